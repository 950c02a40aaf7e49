/**
 * resolveImage: a named request becomes one exact file with its digest, before its first byte is asked for.
 *
 * A version's listing, perhaps a build's, the images', the newest of them, its checksum file: each read through the
 * pure parts beside this file. What a server does not say is never guessed.
 */
import type { Arch } from '../arch.js'
import { type Compression, compressionOf } from '../compression.js'
import type { Context } from '../context.js'
import { type Digest, formatDigest, isWeak, parseDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate } from '../providers/pattern.js'
import { describeRequest, type NamedRequest } from '../request/request.js'
import { type Checksum, readChecksum } from './checksums.js'
import { chooseDigest, type Trust } from './digest-choice.js'
import { type Found, type Search, searchSource, type Source } from './search.js'
import { nothingFound, type Trail } from './trail.js'

export interface ResolvedImage {
  /** As people write it: `Fedora`. */
  readonly name: string
  /** The provider's name: `fedora`. */
  readonly provider: string
  readonly version: string
  readonly build: string | undefined
  readonly arch: Arch
  readonly variant: string | undefined
  /** The file's name as it is served. */
  readonly file: string
  readonly url: string
  /** The same file at all its addresses, in order of trying; the first is `url`. */
  readonly urls: readonly string[]
  /** Of the file as it is served, before it is unpacked. */
  readonly digest: Digest
  readonly sizeBytes: number | undefined
  readonly compression: Compression
  readonly format: 'qcow2' | 'raw'
  readonly trust: Trust
  /** Where the publisher's digest was read; undefined when none was needed. */
  readonly checksumUrl: string | undefined
}

/**
 * Finds the newest image that fits, and its digest.
 *
 * @throws VmImageError NO_MATCH, AMBIGUOUS_MATCH, UNKNOWN_ARCH, LISTING_UNREADABLE, CHECKSUM_MISSING, CHECKSUM_CONFLICT,
 *   NETWORK or OFFLINE; INVALID_REQUEST for a variant that the provider does not have.
 */
export async function resolveImage(request: NamedRequest, context: Context): Promise<ResolvedImage> {
  const arch = request.arch ?? context.arch
  const { provider } = request
  const trail: Trail = { steps: [], skippedVersions: [], failure: undefined }
  const search: Search = { request, arch, variant: variantOf(request, arch), context, trail }
  for (const source of sourcesFor(provider, arch)) {
    const found = await searchOrNote(source, search)
    if (found) return describe(found, source, search)
  }
  throw nothingFound(describeRequest({ ...request, arch }), trail)
}

async function searchOrNote(source: Source, search: Search): Promise<Found | undefined> {
  try {
    return await searchSource(source, search)
  } catch (error) {
    if (!(error instanceof VmImageError) || error.code !== 'NETWORK') throw error
    search.trail.failure ??= error
    return undefined
  }
}

function sourcesFor(provider: Provider, arch: Arch): readonly Source[] {
  const isNamed = provider.archNames === undefined || provider.archNames[arch] !== undefined
  const sources = provider.sources.filter(({ arches }) => isNamed && (arches?.includes(arch) ?? true))
  if (sources.length > 0) return sources
  throw new VmImageError(
    'UNKNOWN_ARCH',
    `Cannot find "${provider.name}" for ${arch}: its publisher has no images for this architecture.\n` +
      `Ask for one that it has: { arch: ... } of ${Object.keys(provider.archNames ?? {}).join(', ')}.`,
  )
}

/** The variant by its publisher's spelling; the first that is made for the architecture when none was asked for. */
function variantOf({ provider, variant: asked }: NamedRequest, arch: Arch): string | undefined {
  const { name, variants } = provider
  if (variants.length === 0) return asked
  const fitting = variants
    .filter(({ arches }) => arches?.includes(arch) ?? true)
    .map((variant) => variant.name)
  if (asked === undefined) return fitting[0]
  const variant = fitting.find((known) => known.toLowerCase() === asked.toLowerCase())
  if (variant !== undefined) return variant
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot find variant "${asked}" of "${name}" for ${arch}: its publisher has no such kind of image.\n` +
      `Ask for one that it has: ${fitting.join(', ')}.`,
  )
}

async function describe(found: Found, source: Source, search: Search): Promise<ResolvedImage> {
  const { request, arch, context } = search
  const { provider } = request
  const file = found.entry.name
  const knownText = provider.knownDigests[file]
  const known = knownText === undefined ? undefined : parseDigest(knownText)
  const checksumUrl = known ? undefined : checksumFileOf(found, provider)
  const published = checksumUrl === undefined ? undefined : await fetchChecksum(checksumUrl, file, search)
  const claims = { asked: request.checksum, known, published: published?.digest, checksumUrl }
  const choice = chooseDigest(file, claims)
  if (choice === undefined) throw noChecksum(found, provider)
  if (choice.trust === 'unverified') {
    const reason = isWeak(choice.digest.algorithm) ? 'which can be forged' : 'from a server without https'
    context.report({
      type: 'warning',
      message:
        `${file} is unverified: nothing vouches for it but ${formatDigest(choice.digest)}, ${reason}. ` +
        "Pin it with { checksum: 'sha256:<hex>' }.",
    })
  }
  return {
    name: provider.displayName,
    provider: provider.name,
    version: found.version,
    build: found.build,
    arch,
    variant: found.variant,
    file,
    url: found.entry.url,
    urls: addressesOf(found.entry.url, source),
    ...choice,
    sizeBytes: published?.sizeBytes ?? found.entry.sizeBytes,
    compression: compressionOf(file),
    format: provider.format,
    checksumUrl,
  }
}

/** The first of the provider's checksum files that lies beside the image. */
function checksumFileOf({ siblings, words, entry }: Found, provider: Provider): string | undefined {
  const files = new Map(siblings.map((sibling) => [sibling.name, sibling.url]))
  const names = provider.checksumFiles.map((template) =>
    fillTemplate(template, { ...words, file: entry.name }),
  )
  return names.map((name) => files.get(name)).find((url) => url !== undefined)
}

/** The publisher need not name a file that the caller vouches for. */
async function fetchChecksum(
  url: string,
  file: string,
  { request, context }: Search,
): Promise<Checksum | undefined> {
  const page = await context.http.text(url, { signal: context.signal })
  try {
    return readChecksum(page, file)
  } catch (error) {
    const isMissing = error instanceof VmImageError && error.code === 'CHECKSUM_MISSING'
    if (isMissing && request.checksum) return undefined
    throw error
  }
}

function addressesOf(url: string, { versionsUrl, mirrors }: Source): readonly string[] {
  const [root = ''] = versionsUrl.split('?')
  const others = url.startsWith(root) ? mirrors.map((mirror) => mirror + url.slice(root.length)) : []
  return [url, ...others]
}

function noChecksum({ entry }: Found, provider: Provider): VmImageError {
  const directory = new URL('.', entry.url).href
  return new VmImageError(
    'CHECKSUM_MISSING',
    `Cannot verify "${entry.name}": "${directory}" lists no checksum file (${provider.checksumFiles.join(', ')}).\n` +
      "Say what the image is, { checksum: 'sha256:<hex>' }, or name the file in the provider's checksumFiles.",
  )
}
