/** What can be wrong with the definition of a provider, said when it is defined and not when an image is missing. */
import { isRegExp } from 'node:util/types'
import { findArch } from '../arch.js'
import { digestOf } from '../digest.js'
import { VmImageError } from '../errors.js'
import { parseVersionRange } from '../version.js'
import { type Word, wordsOf } from './pattern.js'
import type { ImagePattern, ProviderDefinition, Source } from './definition.js'

interface Problem {
  readonly field: string
  readonly found: unknown
  readonly wanted: string
}

const fileWords: readonly Word[] = ['version', 'codename', 'build', 'arch', 'variant']

/**
 * Holds a definition against what the resolver relies on. It may come from JavaScript, where types promise nothing.
 *
 * @throws VmImageError INVALID_PROVIDER for the first thing found.
 */
export function checkDefinition(
  definition: ProviderDefinition,
  sources: readonly Source[],
  patterns: readonly ImagePattern[],
): void {
  const all = [
    namesOf(definition),
    ...sources.map(sourceProblems),
    ...patterns.map(patternProblems),
    tablesOf(definition),
  ]
  for (const { field, found, wanted } of all.flat()) {
    const shown = isRegExp(found) ? String(found) : JSON.stringify(found)
    throw new VmImageError(
      'INVALID_PROVIDER',
      `Cannot define provider "${definition.name}": ${field} is ${shown}, expected ${wanted}.\n` +
        'Enough for a provider: { name, versionsUrl, imagesUrl, imagePattern }; docs/providers.md has an example.',
    )
  }
}

function namesOf({ name, aliases = [], ...rest }: ProviderDefinition): readonly Problem[] {
  const { imagePattern } = rest
  return [
    ...[name, ...aliases].flatMap((text) =>
      problemUnless(isName(text), 'a name', text, 'lower case, as in "acme-linux"'),
    ),
    ...problemUnless(!('sources' in rest) || rest.sources.length > 0, 'sources', [], 'one or more'),
    ...problemUnless(
      !Array.isArray(imagePattern) || imagePattern.length > 0,
      'imagePattern',
      [],
      'one or more',
    ),
  ]
}

function isName(text: unknown): boolean {
  return typeof text === 'string' && /^[a-z0-9][a-z0-9._+-]*$/.test(text)
}

function sourceProblems(source: Source): readonly Problem[] {
  const { versionsUrl, buildsUrl, imagesUrl, mirrors = [] } = source
  const build: readonly Word[] = buildsUrl === undefined ? [] : ['build']
  return [
    ...addressProblems('versionsUrl', versionsUrl, ['arch']),
    ...addressProblems('imagesUrl', imagesUrl, ['version', 'codename', 'arch', ...build]),
    ...(buildsUrl === undefined
      ? []
      : addressProblems('buildsUrl', buildsUrl, ['version', 'codename', 'arch'])),
    ...mirrors.flatMap((mirror) => addressProblems('mirrors', mirror, [])),
    ...nameProblems('versionPattern', source.versionPattern ?? '{version}', ['version', 'codename']),
    ...nameProblems('buildPattern', source.buildPattern ?? '{build}', ['build']),
  ]
}

function patternProblems({ versions, pattern }: ImagePattern): readonly Problem[] {
  const isRange = versions === undefined || parseVersionRange(versions) !== undefined
  return [
    ...problemUnless(isRange, 'versions', versions, 'a range like ">=40 <43"'),
    ...nameProblems('imagePattern', pattern, fileWords),
  ]
}

function tablesOf({
  checksumFiles = [],
  knownDigests = {},
  archNames = {},
}: ProviderDefinition): readonly Problem[] {
  return [
    ...checksumFiles.flatMap((name) => nameProblems('checksumFiles', name, [...fileWords, 'file'])),
    ...Object.values(knownDigests).flatMap((text) => {
      const [algorithm = '', hex = ''] = text.split(':')
      return problemUnless(
        digestOf(algorithm, hex) !== undefined,
        'knownDigests',
        text,
        '"<algorithm>:<hex>"',
      )
    }),
    ...Object.keys(archNames).flatMap((arch) =>
      problemUnless(findArch(arch) === arch, 'archNames', arch, "Linux's names on the left, such as x86_64"),
    ),
  ]
}

function addressProblems(field: string, url: unknown, allowed: readonly Word[]): readonly Problem[] {
  const isAddress = typeof url === 'string' && /^https?:\/\/[^/{]+\//.test(url) && URL.canParse(url)
  if (!isAddress) return [{ field, found: url, wanted: 'an address like "https://host/directory/"' }]
  return wordProblems(field, url, allowed)
}

function nameProblems(field: string, pattern: unknown, allowed: readonly Word[]): readonly Problem[] {
  if (typeof pattern === 'string' && pattern !== '') return wordProblems(field, pattern, allowed)
  return problemUnless(
    isRegExp(pattern),
    field,
    pattern,
    'a template like "acme-{version}.{arch}.qcow2" or a RegExp',
  )
}

function wordProblems(field: string, template: string, allowed: readonly Word[]): readonly Problem[] {
  const known: readonly string[] = allowed
  const wanted = `in braces only ${allowed.map((word) => `{${word}}`).join(' ') || 'no words'}`
  return problemUnless(
    wordsOf(template).every((word) => known.includes(word)),
    field,
    template,
    wanted,
  )
}

function problemUnless(isRight: boolean, field: string, found: unknown, wanted: string): readonly Problem[] {
  return isRight ? [] : [{ field, found, wanted }]
}
