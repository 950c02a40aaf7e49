/**
 * resolveImage: a named request becomes one exact file with its digest, before its first byte is asked for.
 *
 * A version's listing, perhaps a build's, the images', the newest of them, its checksum file: each read through the
 * pure parts beside this file. What a server does not say is never guessed.
 */
import type { Arch } from '../arch.js'
import { type Compression, compressionOf } from '../compression.js'
import type { Context } from '../context.js'
import { type Digest, formatDigest, isWeak, parseDigest, sameDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { Trust } from '../image-facts.js'
import type { Provider } from '../providers/index.js'
import { wordsOf } from '../providers/pattern.js'
import { describeRequest, type NamedRequest } from '../request/request.js'
import { chooseDigest, type DigestChoice } from './digest-choice.js'
import { findChecksum, noChecksum } from './published-checksum.js'
import { searchSites } from './search.js'
import type { Found, Search, Site } from './site.js'
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
 * A checksum of the request that is weak (md5, sha1) is used only where nobody gives a stronger one; a warning tells.
 */
export async function resolveImage(request: NamedRequest, context: Context): Promise<ResolvedImage> {
  const arch = request.arch ?? context.arch
  const { provider } = request
  const trail: Trail = { steps: [], failure: undefined }
  const search: Search = { request, arch, variant: variantOf(request, arch), context, trail }
  const found = await searchSites(sitesFor(provider, arch), search)
  if (found) return describe(found, search)
  throw nothingFound(describeRequest({ ...request, arch }), trail)
}

function sitesFor(provider: Provider, arch: Arch): readonly Site[] {
  const isNamed = provider.archNames === undefined || provider.archNames[arch] !== undefined
  const sites = provider.sources.filter(({ arches }) => isNamed && (arches?.includes(arch) ?? true))
  if (sites.length > 0) return sites
  throw new VmImageError(
    'UNKNOWN_ARCH',
    `Cannot find "${provider.name}" for ${arch}: its publisher has no images for this architecture.\n` +
      `Ask for one that it has: { arch: ... } of ${Object.keys(provider.archNames ?? {}).join(', ')}.`,
  )
}

/** The variant by its publisher's spelling; the first that is made for the architecture when none was asked for. */
function variantOf({ provider, variant: asked }: NamedRequest, arch: Arch): string | undefined {
  const { name, variants, imagePattern } = provider
  const hasKinds =
    variants.length > 0 || imagePattern.some(({ pattern }) => wordsOf(pattern).includes('variant'))
  if (asked !== undefined && !hasKinds) {
    throw new VmImageError(
      'INVALID_REQUEST',
      `Cannot find variant "${asked}" of "${name}": its publisher has one kind of image only.\n` +
        'Leave { variant } out.',
    )
  }
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

async function describe(found: Found, search: Search): Promise<ResolvedImage> {
  const { request, arch } = search
  const { provider } = request
  const file = found.entry.name
  const knownText = provider.knownDigests[file]
  const known = knownText === undefined ? undefined : parseDigest(knownText)
  const published = known ? undefined : await findChecksum(found, search)
  const choice = chooseDigest(file, {
    asked: request.checksum,
    known,
    published: published?.digest,
    checksumUrl: published?.url,
    ceiling: provider.trust,
  })
  if (choice === undefined) throw noChecksum(found, provider)
  warn(file, choice, search)
  return {
    name: provider.displayName,
    provider: provider.name,
    version: found.version,
    build: found.build,
    arch,
    variant: found.variant,
    file,
    url: found.entry.url,
    urls: addressesOf(found.entry.url, found.site),
    ...choice,
    sizeBytes: published?.sizeBytes ?? found.entry.sizeBytes,
    compression: compressionOf(file),
    format: provider.format,
    checksumUrl: published?.url,
  }
}

function addressesOf(url: string, { versionsUrl, mirrors }: Site): readonly string[] {
  const [root = ''] = versionsUrl.split('?')
  const others = url.startsWith(root) ? mirrors.map((mirror) => mirror + url.slice(root.length)) : []
  return [url, ...others]
}

function warn(file: string, { digest, trust }: DigestChoice, { request, context }: Search): void {
  const { checksum, provider } = request
  if (checksum && !sameDigest(checksum, digest)) {
    const message = `${file} is held against ${formatDigest(digest)}; ${formatDigest(checksum)} of the request is not used, as it can be forged.`
    context.report({ type: 'warning', message })
  }
  if (trust !== 'unverified') return
  let reason = 'from a server without https'
  if (isWeak(digest.algorithm)) reason = 'which can be forged'
  else if (provider.trust === 'unverified') reason = 'and its provider says that this is not enough'
  context.report({
    type: 'warning',
    message:
      `${file} is unverified: nothing vouches for it but ${formatDigest(digest)}, ${reason}. ` +
      "Pin it with { checksum: 'sha256:<hex>' }.",
  })
}
