/** What can be wrong with the definition of a provider, said when it is defined and not when an image is missing. */
import { inspect } from 'node:util'
import { digestOf } from '../digest.js'
import { VmImageError } from '../errors.js'
import { parseVersionRange } from '../version.js'
import {
  allPatternsOf,
  imagePatternsOf,
  type ProviderDefinition,
  rootOf,
  type Signature,
  type Site,
  sitesOf,
} from './definition.js'
import { fieldProblems, type Problem } from './fields.js'
import { type Pattern, type Word, wordsOf } from './pattern.js'

const fileWords: readonly Word[] = ['version', 'codename', 'build', 'arch', 'variant']

/**
 * Holds a definition against what the resolver relies on.
 *
 * @throws VmImageError INVALID_PROVIDER for the first thing found.
 * @throws TypeError when it is no record.
 */
export function checkDefinition(definition: ProviderDefinition): void {
  if (typeof definition !== 'object' || definition === null) {
    throw new TypeError('A provider is defined by a record: { name, versionsUrl, imagesUrl, imagePattern }.')
  }
  for (const { field, found, wanted } of problemsOf(definition)) {
    throw new VmImageError(
      'INVALID_PROVIDER',
      `Cannot define provider ${shown(definition.name)}: ${field} is ${shown(found)}, expected ${wanted}.\n` +
        'Enough for a provider: { name, versionsUrl, imagesUrl, imagePattern }; docs/providers.md has an example.',
    )
  }
}

/** Lazily, as the later ones rely on what the earlier ones have found to be right. */
function* problemsOf(definition: ProviderDefinition): Generator<Problem> {
  yield* fieldProblems(definition)
  const { name, aliases = [], checksumFiles = [], knownDigests = {} } = definition
  for (const text of [name, ...aliases]) {
    const isName = /^[a-z0-9][a-z0-9._+-]*$/.test(text)
    yield* problemUnless(isName, 'a name', text, 'lower case, as in "acme-linux"')
  }
  for (const site of sitesOf(definition)) yield* siteProblems(site)
  for (const { versions, pattern } of allPatternsOf(definition)) {
    yield* problemUnless(isNumericRange(versions), 'versions', versions, 'a range like ">=40 <43"')
    yield* wordProblems('imagePattern', pattern, fileWords)
  }
  for (const template of checksumFiles) yield* wordProblems('checksumFiles', template, [...fileWords, 'file'])
  for (const { versions } of definition.variants ?? []) {
    yield* problemUnless(isNumericRange(versions), 'variants', versions, 'a range like ">=14.2"')
  }
  const hasDocument = sitesOf(definition).some(({ document }) => document !== undefined)
  for (const signature of definition.signatures ?? []) {
    yield* signatureProblems(signature)
    const isOfImage = !hasDocument || signature.form === 'image'
    yield* problemUnless(
      isOfImage,
      'signatures',
      signature.form,
      'the form image, as a document has no checksum file',
    )
  }
  for (const text of Object.values(knownDigests)) {
    const [algorithm = '', hex = ''] = text.split(':')
    const isDigest = digestOf(algorithm, hex) !== undefined
    yield* problemUnless(isDigest, 'knownDigests', text, '"<algorithm>:<hex>"')
  }
  yield* archProblems(definition)
}

function* siteProblems(site: Site): Generator<Problem> {
  const { versionsUrl, versions, buildsUrl, imagesUrl, mirrors = [], document } = site
  const build: readonly Word[] = buildsUrl === undefined ? [] : ['build']
  const place: readonly Word[] = ['version', 'codename', 'arch', 'variant']
  if (versionsUrl !== undefined) yield* addressProblems('versionsUrl', versionsUrl, ['arch', 'variant'])
  yield* problemUnless(!(versionsUrl && versions), 'versions', versions, 'none beside a versionsUrl')
  yield* addressProblems('imagesUrl', imagesUrl, [...place, ...build])
  if (buildsUrl !== undefined) yield* addressProblems('buildsUrl', buildsUrl, place)
  if (site.imageUrl !== undefined) {
    yield* addressProblems('imageUrl', site.imageUrl, [...place, 'build', 'file'])
    yield* problemUnless(wordsOf(site.imageUrl).includes('file'), 'imageUrl', site.imageUrl, '{file} in it')
  }
  const isPlaced = versionsUrl !== undefined || versions !== undefined
  const isWhole = buildsUrl === undefined && !/\{(?:version|codename)\}/.test(imagesUrl)
  const list = 'without {version}, {codename} and buildsUrl, or a versionsUrl (or versions) beside it'
  yield* problemUnless(isPlaced || isWhole, 'imagesUrl', imagesUrl, list)
  const versionWords: readonly Word[] = ['version', 'codename']
  yield* wordProblems('versionPattern', site.versionPattern ?? '{version}', versionWords, versionWords)
  yield* wordProblems('buildPattern', site.buildPattern ?? '{build}', ['build'], ['build'])
  for (const pointer of Object.values(document ?? {})) {
    yield* wordProblems('document', pointer, ['version', 'arch', 'variant'])
  }
  for (const mirror of mirrors) yield* addressProblems('mirrors', mirror, [])
  const root = rootOf(site)
  const isBelow = imagesUrl.startsWith(root) && wordsOf(root).length === 0
  const wanted = 'none, as a mirror needs an imagesUrl below versionsUrl, and no word in braces in that'
  yield* problemUnless(mirrors.length === 0 || isBelow, 'mirrors', mirrors, wanted)
}

function* signatureProblems({ form, file, versions }: Signature): Generator<Problem> {
  yield* problemUnless(isNumericRange(versions), 'signatures', versions, 'a range like ">=41"')
  const isNamed = (file !== undefined) === (form !== 'clear-signed')
  const wanted = `${form === 'clear-signed' ? 'no file' : 'the name of the signature, as in "{file}.asc"'} for the form ${form}`
  yield* problemUnless(isNamed, 'signatures', file, wanted)
  const words: readonly Word[] = [
    ...fileWords,
    'file',
    ...(form === 'checksums' ? ['checksums' as const] : []),
  ]
  if (file !== undefined) yield* wordProblems('signatures', file, words)
}

/** Without a word for it nothing tells for which architecture a file is made: any would do for any request. */
function archProblems(definition: ProviderDefinition): readonly Problem[] {
  const named = Object.keys(definition.archNames ?? {})
  return sitesOf(definition).flatMap((site) =>
    imagePatternsOf({ imagePattern: site.imagePattern ?? definition.imagePattern }).flatMap(({ pattern }) => {
      const { versionsUrl = '', buildsUrl = '', imagesUrl, document, arches = named } = site
      const places = [versionsUrl, buildsUrl, imagesUrl, pattern, document?.image ?? '']
      const says = places.some((part) => wordsOf(part).includes('arch'))
      const isSingle = arches.length === 1 || named.length === 1
      const wanted =
        '{arch} in it or in an address, or a single architecture: archNames: { x86_64: "x86_64" }'
      return problemUnless(says || isSingle, 'imagePattern', pattern, wanted)
    }),
  )
}

function addressProblems(field: string, url: string, allowed: readonly Word[]): readonly Problem[] {
  // A channel may be a host of its own.
  const isRemote = /^https?:\/\/(?:\{variant\}|[^/{])+\//.test(url)
  const isAddress = (isRemote || /^file:\/\/\/(?!.*%2f)/i.test(url)) && URL.canParse(url)
  const wanted = 'an address like "https://host/directory/", or "file:///directory/"'
  if (!isAddress) return [{ field, found: url, wanted }]
  return wordProblems(field, url, allowed)
}

/** Only some words have a meaning in a place, and it may need one of them. */
function wordProblems(
  field: string,
  pattern: Pattern,
  allowed: readonly Word[],
  needed: readonly Word[] = [],
): readonly Problem[] {
  const found = wordsOf(pattern)
  const known: readonly string[] = allowed
  const isComplete = needed.length === 0 || needed.some((word) => found.includes(word))
  const wanted = isComplete
    ? `in braces ${braced(allowed).join(' ') || 'nothing'} and no other word`
    : `${braced(needed).join(' or ')} in it`
  return problemUnless(isComplete && found.every((word) => known.includes(word)), field, pattern, wanted)
}

function braced(words: readonly Word[]): readonly string[] {
  return words.map((word) => `{${word}}`)
}

/** Bounds that are words would be compared by the alphabet. */
function isNumericRange(text: string | undefined): boolean {
  return text === undefined || parseVersionRange(text)?.every(({ version }) => /^\d/.test(version)) === true
}

function problemUnless(isRight: boolean, field: string, found: unknown, wanted: string): readonly Problem[] {
  return isRight ? [] : [{ field, found, wanted }]
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : inspect(value, { breakLength: Number.POSITIVE_INFINITY })
}
