/** Candidates: the listed files that are images of the kind that is looked for, and the newest of them. */
import { type Arch, findArch } from '../arch.js'
import { VmImageError } from '../errors.js'
import { formatPattern, type Pattern, readName, type Vocabulary, type Words } from '../providers/pattern.js'
import type { Provider } from '../providers/index.js'
import {
  isContinuation,
  isExactly,
  matchesWhole,
  selectVersions,
  type VersionQuery,
} from '../request/version-query.js'
import { compareVersions, isInRange, parseVersionRange } from '../version.js'
import type { Entry } from './listing.js'

/** What an image has to be. */
export interface Wanted {
  /** What was asked for; the directory may hold other versions as well. */
  readonly query: VersionQuery
  /** As the directory of the images says it; a file may go on where that ends. */
  readonly version: string
  readonly codename: string | undefined
  readonly arch: Arch
  /** Undefined: the provider has no variants. */
  readonly variant: string | undefined
  readonly build: string | RegExp | undefined
  /** Build of the directory, where a publisher has one for each. */
  readonly directoryBuild: string | undefined
}

export interface Candidate {
  readonly entry: Entry
  readonly version: string
  readonly build: string | undefined
  readonly variant: string | undefined
  /** How its name spells the architecture, where it does. */
  readonly archWord: string | undefined
}

/** How the image files of a version are named; undefined for a version that the provider has no name for. */
export function imagePatternOf(provider: Provider, version: string): Pattern | undefined {
  return provider.imagePattern.find(
    ({ versions }) => versions === undefined || isInRange(version, parseVersionRange(versions) ?? []),
  )?.pattern
}

/** The files that fit, in the order of the listing. */
export function findCandidates(
  entries: readonly Entry[],
  provider: Provider,
  wanted: Wanted,
): readonly Candidate[] {
  const pattern = imagePatternOf(provider, wanted.version)
  if (pattern === undefined) return []
  const candidates = entries.flatMap((entry) => {
    const words = entry.isDirectory ? undefined : readName(entry.name, pattern, vocabularyOf(provider))
    if (words === undefined || !fits(words, provider, wanted)) return []
    const { version = wanted.version, build = wanted.directoryBuild, variant = wanted.variant } = words
    if (!fitsBuild(build, wanted.build)) return []
    return [{ entry, version, build, variant, archWord: words.arch }]
  })
  const versions = candidates.map(({ version }) => version)
  const asked = selectVersions(queryIn(wanted, provider), versions, provider.codenames)
  return candidates.filter(({ version }) => asked.includes(version))
}

/** In the directory of a codename the files have numbers. */
function queryIn({ query, version }: Wanted, { codenames }: Provider): VersionQuery {
  return isExactly(query, version, codenames) ? { kind: 'name', text: version } : query
}

/**
 * The newest by version, then build; undefined when there is none.
 *
 * @throws VmImageError AMBIGUOUS_MATCH when two files are of the same build.
 */
export function newest(
  candidates: readonly Candidate[],
  place: { readonly url: string; readonly pattern: Pattern | undefined },
): Candidate | undefined {
  const [first, second] = candidates.toSorted((a, b) => compareCandidates(b, a))
  if (first === undefined || second === undefined || compareCandidates(first, second) !== 0) return first
  const equals = candidates.filter((candidate) => compareCandidates(first, candidate) === 0)
  throw new VmImageError(
    'AMBIGUOUS_MATCH',
    `Cannot choose an image in "${place.url}": ${equals.length} files of one build fit ` +
      `"${formatPattern(place.pattern ?? '')}" (${capped(equals.map(({ entry }) => entry.name))}), expected one.\n` +
      cureFor(equals),
  )
}

/** What sets files of one build apart decides who can choose between them. */
function cureFor(equals: readonly Candidate[]): string {
  const variants = [...new Set(equals.map(({ variant }) => variant))]
  if (variants.length > 1)
    return `They are of different kinds. Ask for one { variant }: ${variants.join(', ')}.`
  const spellings = [...new Set(equals.map(({ archWord }) => archWord))]
  if (spellings.length > 1) {
    return `They differ in the word for the architecture. Say which one is meant in the archNames of the provider: ${spellings.join(', ')}.`
  }
  return 'Make the imagePattern of the provider say which is meant.'
}

/** What the words in the provider's patterns may stand for. */
export function vocabularyOf({ archNames, variants }: Provider): Vocabulary {
  return {
    arches: archNames && Object.values(archNames),
    variants: variants.length === 0 ? undefined : variants.map(({ name }) => name),
  }
}

/** A list that stays readable in a message: the first eight, and how many more. */
export function capped(names: readonly string[]): string {
  const more = names.length > 8 ? `, and ${names.length - 8} more` : ''
  return names.slice(0, 8).join(', ') + more
}

/** Whether a build is the one asked for; any build is when none was. */
export function fitsBuild(build: string | undefined, asked: string | RegExp | undefined): boolean {
  if (asked === undefined) return true
  if (build === undefined) return false
  return typeof asked === 'string' ? build === asked : matchesWhole(asked, build)
}

function fits(words: Words, provider: Provider, wanted: Wanted): boolean {
  return (
    (words.version === undefined || isContinuation(words.version, wanted.version)) &&
    (words.codename === undefined || words.codename === wanted.codename) &&
    (words.build === undefined || [undefined, words.build].includes(wanted.directoryBuild)) &&
    (words.arch === undefined || isArch(words.arch, provider, wanted.arch)) &&
    fitsVariant(words.variant, provider, wanted)
  )
}

function isArch(word: string, { archNames }: Provider, arch: Arch): boolean {
  return archNames ? archNames[arch] === word : findArch(word) === arch
}

/** Names without a variant are of the time when there was only one kind, the provider's first. */
function fitsVariant(word: string | undefined, { variants }: Provider, { variant }: Wanted): boolean {
  if (variant === undefined) return true
  return (word ?? variants[0]?.name) === variant
}

function compareCandidates(a: Candidate, b: Candidate): number {
  return compareVersions(a.version, b.version) || compareVersions(a.build ?? '', b.build ?? '')
}
