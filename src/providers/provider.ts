/**
 * Provider: one publisher of images, described as data. Where it lists its versions, how its files are named, what
 * it calls an architecture; the rest of the package has no other knowledge of any distribution.
 */
import { isRegExp } from 'node:util/types'
import { checkDefinition } from './check-definition.js'
import {
  type Facts,
  type ImagePattern,
  imagePatternsOf,
  type ProviderDefinition,
  type Site,
} from './definition.js'

type Filled<T, Keys extends keyof T> = T & { readonly [Key in Keys]-?: Exclude<T[Key], undefined> }

export interface ProviderSite extends Filled<
  Omit<Site, 'imagePattern'>,
  'versionPattern' | 'buildPattern' | 'isArchive' | 'mirrors'
> {
  /** Where it differs from the provider's. */
  readonly imagePattern: readonly ImagePattern[] | undefined
}

/** A checked definition with its defaults filled in. It never changes, and is a definition itself: `{ ...provider, user }`. */
export interface Provider extends Filled<
  Omit<Facts, 'imagePattern'>,
  | 'displayName'
  | 'aliases'
  | 'codenames'
  | 'versionNames'
  | 'versionOrder'
  | 'variants'
  | 'checksumFiles'
  | 'signatures'
> {
  readonly sources: readonly ProviderSite[]
  readonly imagePattern: readonly ImagePattern[]
  readonly knownDigests: Readonly<Record<string, string>>
  readonly trust: 'checksum' | 'unverified'
  readonly format: 'qcow2' | 'raw'
}

/**
 * What tells a provider from a record that nobody has checked. The symbol is registered, because one process may hold
 * several copies of this module; it does not take part in `{ ...provider }`, nor in JSON.
 */
const brand = Symbol.for('vmimage.provider.1')

/** How publishers commonly name the file with the checksums, strongest and closest to the image first. */
const commonChecksumFiles = (
  '{file}.sha512 {file}.SHA512 {file}.sha256 {file}.SHA256 {file}.sha256sum {file}.SHA256SUM {file}.CHECKSUM ' +
  'SHA512SUMS SHA256SUMS CHECKSUM.SHA512 CHECKSUM.SHA256 CHECKSUM sha512sum.txt sha256sum.txt SHA1SUMS MD5SUMS'
).split(' ')

/**
 * Makes a provider out of its name, where it lists versions, where it lists images, and how these are named.
 *
 * @throws VmImageError INVALID_PROVIDER when a fact is missing, of the wrong kind, or contradicts another.
 * @throws TypeError when the definition is no record.
 * @example
 * imageProviders.add(defineProvider({
 *   name: 'acme',
 *   versionsUrl: 'https://images.example.org/acme/',
 *   imagesUrl: 'https://images.example.org/acme/{version}/',
 *   imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
 * }))
 */
export function defineProvider(definition: ProviderDefinition): Provider {
  checkDefinition(definition)
  const { name } = definition
  const facts = frozenCopy<Provider>({
    name,
    displayName: definition.displayName ?? name.charAt(0).toUpperCase() + name.slice(1),
    aliases: definition.aliases ?? [],
    homepage: definition.homepage,
    coverage: definition.coverage,
    sources:
      'sources' in definition
        ? definition.sources.map(withDefaults)
        : [withDefaults({ ...definition, imagePattern: undefined, user: undefined })],
    imagePattern: imagePatternsOf(definition),
    archNames: definition.archNames,
    archDirectories: definition.archDirectories,
    codenames: definition.codenames ?? {},
    versionNames: definition.versionNames ?? {},
    versionOrder: definition.versionOrder ?? [],
    variants: definition.variants ?? [],
    checksumFiles: definition.checksumFiles ?? commonChecksumFiles,
    knownDigests: definition.knownDigests ?? {},
    signatures: definition.signatures ?? [],
    trust: definition.trust ?? 'checksum',
    format: definition.format ?? 'qcow2',
    user: definition.user,
    firmware: definition.firmware,
    experimental: definition.experimental,
  })
  return Object.freeze(Object.defineProperty({ ...facts }, brand, { value: true }))
}

/** Whether a value is what {@link defineProvider} returned, of this copy of the package or another. */
export function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, brand)
}

/** Only the fields of a site, with the slash that relative links need at the end of a directory's address. */
function withDefaults(site: Site): ProviderSite {
  return {
    versionsUrl: site.versionsUrl === undefined ? undefined : asDirectory(site.versionsUrl),
    versions: site.versions,
    versionPattern: site.versionPattern ?? '{version}',
    buildsUrl: site.buildsUrl === undefined ? undefined : asDirectory(site.buildsUrl),
    buildPattern: site.buildPattern ?? '{build}',
    imagesUrl: asDirectory(site.imagesUrl),
    document: site.document,
    imagePattern:
      site.imagePattern === undefined ? undefined : imagePatternsOf({ imagePattern: site.imagePattern }),
    isArchive: site.isArchive ?? false,
    imageUrl: site.imageUrl,
    user: site.user,
    arches: site.arches,
    mirrors: (site.mirrors ?? []).map(asDirectory),
  }
}

/** What lists may also be a document: `?jsontable`, `releases.json`, `latest.txt`, `SHA256SUMS`. */
function asDirectory(url: string): string {
  return /\/$|\?|\.(?:json|txt)$|SUMS$/.test(url) ? url : `${url}/`
}

/** The lists and records inside are the caller's, who may go on to change them. */
function frozenCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null || isRegExp(value)) return value
  const copy: unknown = Array.isArray(value)
    ? value.map(frozenCopy)
    : Object.fromEntries(Object.entries(value).map(([key, field]) => [key, frozenCopy(field)]))
  // The same fields with the same values: definitions hold nothing but plain data.
  return Object.freeze(copy) as T
}
