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
import type { Trust } from '../trust.js'
import type { Signer } from '../providers/definition.js'
import { imageProviders } from '../providers/index.js'
import { fillTemplate, type Words } from '../providers/pattern.js'
import { describeRequest, type NamedRequest } from '../request/request.js'
import type { KeyCache } from '../signature/key-cache.js'
import type { DetachedSignature } from '../signature/verify.js'
import { chooseDigest } from './digest-choice.js'
import { isLocal } from './local-directory.js'
import { addressesOf } from './listings.js'
import { findChecksum, noChecksum } from './published-checksum.js'
import { findSignature, signatureFor } from './published-signature.js'
import { searchSites } from './search.js'
import { type Found, lastingUrl, type Search, type Site } from './site.js'
import { nothingFound, type Trail } from './trail.js'
import { askedVariant, defaultVariant } from './variant.js'

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
  /** Of the file as it is served, before it is unpacked; undefined where the publisher gives none and nobody else does. */
  readonly digest: Digest | undefined
  readonly sizeBytes: number | undefined
  readonly compression: Compression
  readonly format: 'qcow2' | 'raw'
  readonly trust: Trust
  /** With trust `signed`: fingerprint of the primary key that signed the digest. */
  readonly signedBy: string | undefined
  /** When it did, ISO 8601. */
  readonly signedAt: string | undefined
  /** A signature over the image itself: it can be verified, and the image become `signed`, when all of it is here. */
  readonly proof: ImageProof | undefined
  /** Where the publisher's digest was read; undefined when none was needed. */
  readonly checksumUrl: string | undefined
}

export interface ImageProof extends DetachedSignature {
  readonly signer: Signer
}

/**
 * Finds the newest image that fits, and its digest.
 *
 * @param keyCache where the publishers' keys are kept once they are fetched.
 * @throws VmImageError NO_MATCH, AMBIGUOUS_MATCH, UNKNOWN_ARCH, LISTING_UNREADABLE, CHECKSUM_MISSING, CHECKSUM_CONFLICT,
 *   SIGNATURE_MISSING, SIGNATURE_INVALID, SIGNATURE_UNKNOWN, SIGNATURE_EXPIRED, KEY_MISSING, NETWORK or OFFLINE;
 *   INVALID_REQUEST for a variant that the provider does not have.
 * A checksum of the request that is weak (md5, sha1) is used only where nobody gives a stronger one; a warning tells.
 */
export async function resolveImage(
  request: NamedRequest,
  context: Context,
  keyCache: KeyCache,
): Promise<ResolvedImage> {
  const search = startSearch(request, context)
  const found = await searchSites(sitesFor(search), search)
  if (found) return describe(found, search, keyCache)
  throw nothingFound(describeRequest({ ...request, arch: search.arch }), search.trail, relatedTo(request))
}

/** `debian-daily` is where somebody finds sid who asked for it as a version of `debian`. */
export function relatedTo({ provider }: NamedRequest): readonly string[] {
  const names = imageProviders.list().map(({ name }) => name)
  return names.filter((name) => name.startsWith(`${provider.name}-`))
}

async function describe(found: Found, search: Search, keyCache: KeyCache): Promise<ResolvedImage> {
  const { request, arch } = search
  const { provider } = request
  const file = found.entry.name
  const knownText = provider.knownDigests[file]
  const known = knownText === undefined ? undefined : parseDigest(knownText)
  const isKnown = known !== undefined && !isWeak(known.algorithm)
  const published = isKnown ? undefined : await findChecksum(found, search, keyCache)
  const choice = chooseDigest(file, {
    asked: request.checksum,
    known,
    published: published?.digest,
    signedBy: published?.signed?.fingerprint,
    checksumUrl: published?.url,
    ceiling: provider.trust,
  })
  const isBare =
    provider.trust === 'unverified' || request.minimumTrust === 'unverified' || isLocal(found.entry.url)
  if (choice === undefined && !isBare) throw noChecksum(found, provider)
  const { digest, trust, signedBy } = choice ?? {
    digest: undefined,
    trust: 'unverified',
    signedBy: undefined,
  }
  warn(found.entry, digest, trust, search)
  const url = lastingUrl(found, search)
  return {
    name: provider.displayName,
    provider: provider.name,
    version: found.version,
    build: found.build,
    arch,
    variant: found.variant,
    file,
    url,
    urls: [...new Set([...addressesOf(url, found.site), found.entry.url])],
    digest,
    trust,
    signedBy,
    signedAt: trust === 'signed' ? published?.signed?.signedAt.toISOString() : undefined,
    proof: trust === 'pinned' ? undefined : await findProof(found, search),
    sizeBytes: published?.sizeBytes ?? found.entry.sizeBytes,
    compression: compressionOf(file),
    format: provider.format,
    checksumUrl: published?.url,
  }
}

/** Asked for before the download: when it is missing, nothing has to be downloaded. */
async function findProof(found: Found, search: Search): Promise<ImageProof | undefined> {
  const signature = signatureFor(found, search.request.provider)
  if (signature?.form !== 'image') return undefined
  try {
    const { bytes, url } = await findSignature(signature, found, found.entry.url, search)
    return { bytes, url, signer: signature }
  } catch (error) {
    const isExcused =
      error instanceof VmImageError && error.code === 'SIGNATURE_MISSING' && signature.mayLack === 'signature'
    if (!isExcused) throw error
    search.context.report({ type: 'warning', message: `${found.entry.name} is not signed.` })
    return undefined
  }
}

export function startSearch(request: NamedRequest, context: Context): Search {
  const arch = request.arch ?? context.arch
  const trail: Trail = { steps: [], failure: undefined }
  return { request, arch, variant: askedVariant(request, arch), context, trail, pages: new Map() }
}

/** The sites that have images for the architecture, with the words of their documents filled in. */
export function sitesFor({ request, arch, variant }: Search): readonly Site[] {
  const { provider } = request
  const isNamed = provider.archNames === undefined || provider.archNames[arch] !== undefined
  const sites = provider.sources.filter(({ arches }) => isNamed && (arches?.includes(arch) ?? true))
  const words = {
    arch: provider.archNames?.[arch] ?? arch,
    variant: variant ?? defaultVariant(provider, arch, undefined),
  }
  if (sites.length > 0) return sites.map((site) => withDocument(site, words))
  throw new VmImageError(
    'UNKNOWN_ARCH',
    `Cannot find "${provider.name}" for ${arch}: its publisher has no images for this architecture.\n` +
      `Ask for one that it has: { arch: ... } of ${Object.keys(provider.archNames ?? {}).join(', ')}.`,
  )
}

function withDocument(site: Site, words: Words): Site {
  if (site.document === undefined) return site
  const { image, base, digest } = site.document
  return {
    ...site,
    document: {
      image: fillTemplate(image, words),
      base: base === undefined ? undefined : fillTemplate(base, words),
      digest: fillTemplate(digest, words),
    },
  }
}

function warn(
  { name: file, url }: Found['entry'],
  digest: Digest | undefined,
  trust: Trust,
  { request, context }: Search,
): void {
  const { checksum, provider } = request
  const tell = (message: string) => context.report({ type: 'warning', message })
  if (provider.experimental !== undefined) {
    tell(`${provider.displayName} is experimental: ${provider.experimental}`)
  }
  if (checksum && digest && !sameDigest(checksum, digest)) {
    tell(
      `${file} is held against ${formatDigest(digest)}; ${formatDigest(checksum)} of the request is not used, as it can be forged.`,
    )
  }
  if (trust !== 'unverified' || isLocal(url)) return
  const pin = "Pin it with { checksum: 'sha256:<hex>' }."
  if (digest === undefined) return tell(`${file} is unverified: its publisher gives no digest. ${pin}`)
  let reason = 'from a server without https'
  if (isWeak(digest.algorithm)) reason = 'which can be forged'
  else if (provider.trust === 'unverified') reason = 'and its provider says that this is not enough'
  tell(`${file} is unverified: nothing vouches for it but ${formatDigest(digest)}, ${reason}. ${pin}`)
}
