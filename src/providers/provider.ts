/**
 * Provider: one publisher of images, described as data. Where it lists its versions, how its files are named, what
 * it calls an architecture; the rest of the package has no other knowledge of any distribution.
 */
import { isRegExp } from 'node:util/types'
import { checkDefinition } from './check-definition.js'
import type { Facts, ImagePattern, ProviderDefinition, Source } from './definition.js'

type Filled<T, Keys extends keyof T> = T & { readonly [Key in Keys]-?: Exclude<T[Key], undefined> }

/** A checked definition with its defaults filled in. */
export interface Provider extends Filled<
  Omit<Facts, 'imagePattern'>,
  'displayName' | 'aliases' | 'codenames' | 'variants' | 'checksumFiles'
> {
  readonly sources: readonly Filled<Source, 'versionPattern' | 'buildPattern' | 'mirrors'>[]
  readonly imagePattern: readonly ImagePattern[]
  readonly knownDigests: Readonly<Record<string, string>>
  readonly trust: 'checksum' | 'unverified'
  readonly format: 'qcow2' | 'raw'
}

/** How publishers commonly name the file with the checksums, strongest and closest to the image first. */
const commonChecksumFiles = (
  '{file}.sha512 {file}.SHA512 {file}.sha256 {file}.SHA256 {file}.sha256sum {file}.SHA256SUM {file}.CHECKSUM ' +
  'SHA512SUMS SHA256SUMS CHECKSUM.SHA512 CHECKSUM.SHA256 CHECKSUM sha512sum.txt sha256sum.txt SHA1SUMS MD5SUMS'
).split(' ')

/**
 * Makes a provider out of its name, where it lists versions, where it lists images, and how these are named.
 *
 * @throws VmImageError INVALID_PROVIDER when a fact is missing or contradicts another.
 * @example
 * imageProviders.add(defineProvider({
 *   name: 'acme',
 *   versionsUrl: 'https://images.example.org/acme/',
 *   imagesUrl: 'https://images.example.org/acme/{version}/',
 *   imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
 * }))
 */
export function defineProvider(definition: ProviderDefinition): Provider {
  const { name } = definition
  const sources = 'sources' in definition ? definition.sources : [definition]
  const imagePattern = patternsOf(definition.imagePattern)
  checkDefinition(definition, sources, imagePattern)
  return Object.freeze({
    name,
    displayName: definition.displayName ?? name.charAt(0).toUpperCase() + name.slice(1),
    aliases: definition.aliases ?? [],
    homepage: definition.homepage,
    sources: sources.map(sourceOf),
    imagePattern,
    archNames: definition.archNames,
    codenames: definition.codenames ?? {},
    variants: definition.variants ?? [],
    checksumFiles: definition.checksumFiles ?? commonChecksumFiles,
    knownDigests: definition.knownDigests ?? {},
    trust: definition.trust ?? 'checksum',
    format: definition.format ?? 'qcow2',
    user: definition.user,
  })
}

function patternsOf(pattern: ProviderDefinition['imagePattern']): readonly ImagePattern[] {
  return typeof pattern === 'object' && !isRegExp(pattern) ? pattern : [{ pattern }]
}

/** Only the fields of a source, with the slash that relative links need at the end of a directory's address. */
function sourceOf(source: Source): Provider['sources'][number] {
  return {
    versionsUrl: asDirectory(source.versionsUrl),
    versionPattern: source.versionPattern ?? '{version}',
    buildsUrl: source.buildsUrl === undefined ? undefined : asDirectory(source.buildsUrl),
    buildPattern: source.buildPattern ?? '{build}',
    imagesUrl: asDirectory(source.imagesUrl),
    arches: source.arches,
    mirrors: (source.mirrors ?? []).map(asDirectory),
  }
}

function asDirectory(url: string): string {
  return url.endsWith('/') || url.includes('?') ? url : `${url}/`
}
