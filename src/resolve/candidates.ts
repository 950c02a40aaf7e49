/** Candidates: the listed files that are images of the kind that is looked for, and the newest of them. */
import { type Arch, findArch } from '../arch.js'
import { VmImageError } from '../errors.js'
import type { ImagePattern } from '../providers/definition.js'
import type { Provider } from '../providers/index.js'
import { formatPattern, readName, type Vocabulary, type Words } from '../providers/pattern.js'
import {
  isContinuation,
  isExactly,
  matchesWhole,
  selectVersions,
  type VersionQuery,
} from '../request/version-query.js'
import {
  type CompareVersions,
  compareVersions,
  isInRange,
  parseVersionRange,
  versionOrder,
} from '../version.js'
import type { Entry } from '../pages/listing.js'
import { defaultVariant } from './variant.js'

/** What an image has to be. */
export interface Wanted {
  /** What was asked for; the directory may hold other versions as well. */
  readonly query: VersionQuery
  /** As the directory of the images says it; a file may go on where that ends. */
  readonly version: string
  readonly codename: string | undefined
  readonly arch: Arch
  /** Undefined: the default of each version, or the provider has no variants. */
  readonly variant: string | undefined
  readonly build: string | RegExp | undefined
  /** Build of the directory, where a publisher has one for each. */
  readonly directoryBuild: string | undefined
  /** Kind of image of the directory, where the address says it: the files need not. */
  readonly directoryVariant: string | undefined
  readonly patterns: readonly ImagePattern[]
}

export interface Candidate {
  readonly entry: Entry
  readonly version: string
  readonly build: string | undefined
  readonly variant: string | undefined
  /** How its name spells the architecture, where it does. */
  readonly archWord: string | undefined
}

/** How the image files of a site are named. */
export function patternsOf(provider: Provider, site: Provider['sources'][number]): readonly ImagePattern[] {
  return site.imagePattern ?? provider.imagePattern
}

/** The files that fit, in the order of the listing. */
export function findCandidates(
  entries: readonly Entry[],
  provider: Provider,
  wanted: Wanted,
): readonly Candidate[] {
  const candidates = entries.flatMap((entry) =>
    entry.isDirectory ? [] : (readCandidate(entry, provider, wanted) ?? []),
  )
  const versions = candidates.map(({ version }) => version)
  const asked = selectVersions(queryIn(wanted, provider), versions, provider)
  return candidates.filter(({ version }) => asked.includes(version))
}

/** By the first pattern that fits the name and is for the version in it: names may change within one directory. */
function readCandidate(entry: Entry, provider: Provider, wanted: Wanted): Candidate | undefined {
  const compare = versionOrder(provider.versionOrder)
  for (const { versions, pattern } of wanted.patterns) {
    const words = readName(entry.name, pattern, vocabularyOf(provider))
    if (words === undefined) continue
    const { version = wanted.version, build = wanted.directoryBuild } = words
    if (versions !== undefined && !isInRange(version, parseVersionRange(versions) ?? [], compare)) continue
    const usual = wanted.directoryVariant ?? defaultVariant(provider, wanted.arch, version)
    // A name that does not say it is of the time when there was one kind only, which is the default of that version.
    const variant = words.variant ?? usual
    const asked = wanted.variant ?? usual
    if (asked !== undefined && variant !== asked) continue
    if (!fits(words, provider, wanted) || !fitsBuild(build, wanted.build)) continue
    return { entry, version, build, variant, archWord: words.arch }
  }
  return undefined
}

/** In the directory of a codename the files have numbers. */
function queryIn({ query, version }: Wanted, facts: Provider): VersionQuery {
  return isExactly(query, version, facts) ? { kind: 'name', text: version } : query
}

/**
 * The newest by version, then build; undefined when there is none.
 *
 * @throws VmImageError AMBIGUOUS_MATCH when two files are of the same build.
 */
export function newest(
  candidates: readonly Candidate[],
  place: {
    readonly url: string
    readonly patterns: readonly ImagePattern[]
    readonly versionOrder: readonly string[]
  },
): Candidate | undefined {
  const compare = compareCandidates(versionOrder(place.versionOrder))
  const [first, second] = candidates.toSorted((a, b) => compare(b, a))
  if (first === undefined || second === undefined || compare(first, second) !== 0) return first
  const equals = candidates.filter((candidate) => compare(first, candidate) === 0)
  const patterns = place.patterns.map(({ pattern }) => `"${formatPattern(pattern)}"`)
  throw new VmImageError(
    'AMBIGUOUS_MATCH',
    `Cannot choose an image in "${place.url}": ${equals.length} files of one build fit ` +
      `${patterns.join(' or ')} (${capped(equals.map(({ entry }) => entry.name))}), expected one.\n` +
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
    (words.arch === undefined || isArch(words.arch, provider, wanted.arch))
  )
}

function isArch(word: string, { archNames }: Provider, arch: Arch): boolean {
  return archNames ? archNames[arch] === word : findArch(word) === arch
}

function compareCandidates(compare: CompareVersions) {
  return (a: Candidate, b: Candidate) =>
    compare(a.version, b.version) || compareVersions(a.build ?? '', b.build ?? '')
}
