/** pinImage: the pin of what a request means now, verified as it would be for a test. */
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest, isWeak, parseDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { describeRequest, type NamedRequest, type UrlRequest } from '../request/request.js'
import { knownAddresses } from '../resolve/locate.js'
import { cacheLayout } from '../store/layout.js'
import { ensureCache } from '../store/root.js'
import { findImage } from '../store/store.js'
import type { Trust } from '../trust.js'
import { checkTrust } from './check-trust.js'
import { gone, obtain } from './fetch-base-image.js'
import { findSource } from './find-source.js'
import { hashFile } from './hash-file.js'
import { writePinned } from './pinned-request.js'
import type { Pin } from './pins.js'
import { publishSource } from './publish-source.js'
import { compareWithSeen } from './rollback.js'
import { localPath, type Source } from './source.js'

type PinnableRequest = NamedRequest | UrlRequest

/** What only the bytes may tell. */
interface Verified {
  readonly digest: Digest
  readonly trust: Trust
  readonly signedBy: string | undefined
  readonly sizeBytes: number | undefined
}

/**
 * Resolves a request anew. The image is downloaded only where its bytes are needed to know it: its signature is over the
 * image itself, or nobody gives a digest that cannot be forged.
 *
 * @param known how it is pinned now; a warning tells when what is there is older.
 * @throws VmImageError UNTRUSTED when it is trusted less than was asked for; INVALID_REQUEST for what lies on this machine;
 *   of every code that resolving and fetching have.
 */
export async function pinImage(
  request: PinnableRequest,
  known: Pin | undefined,
  context: Context,
): Promise<Pin> {
  const source = await findSource(request, context)
  if (localPath(source) !== undefined) throw notPinnable(describeRequest(request))
  checkTrust(request, source.proof ? { ...source, trust: 'signed' } : source, context)
  if (known && request.kind === 'named') {
    const { version, build, resolvedAt: at } = known
    compareWithSeen(request, source, { seen: { version, build, at } }, context)
  }
  const verified = isKnown(source) ? source : await verify(request, source, known !== undefined, context)
  return pinOf(request, source, verified, context)
}

/** The error for a request that no other machine could use. */
export function notPinnable(name: string): VmImageError {
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot pin "${name}": it lies on this machine, and others have another.\n` +
      "Say what the file is where it is asked for, { path, checksum: 'sha256:<hex>' }; then everybody sees when it is another one.",
  )
}

function isKnown(source: Source): source is Source & { readonly digest: Digest } {
  return source.proof === undefined && source.digest !== undefined && !isWeak(source.digest.algorithm)
}

async function verify(
  request: PinnableRequest,
  source: Source,
  isAgain: boolean,
  context: Context,
): Promise<Verified> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  if (isAgain && source.digest === undefined && source.proof === undefined) {
    // What the cache has from this address says nothing about what is there now.
    const digest = await download(request, source, context)
    const sizeBytes = findImage(layout, digestKey(digest))?.meta.source.sizeBytes
    return { digest, trust: source.trust, signedBy: undefined, sizeBytes }
  }
  const base = await obtain(request, source, { leaseDir: undefined, keepsWrongBytes: false }, context)
  const { trust, signedBy } = base
  const digest = parseDigest(base.digest ?? '')
  const sizeBytes = source.sizeBytes ?? findImage(layout, digestKey(digest))?.meta.source.sizeBytes
  if (!isWeak(digest.algorithm)) return { digest, trust, signedBy, sizeBytes }
  if (source.compression !== 'none') throw tooWeak(request, digest)
  const hex = await hashFile(base.path, 'sha256', context.signal)
  return { digest: { algorithm: 'sha256', hex }, trust, signedBy, sizeBytes }
}

async function download(request: PinnableRequest, source: Source, context: Context): Promise<Digest> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  ensureCache(layout)
  const found: Digest[] = []
  const onPublished = (digest: Digest) => void found.push(digest)
  await publishSource(
    layout,
    source,
    { isDone: () => false, onPublished, leaseDir: undefined, keepsWrongBytes: false },
    context,
  )
  const [digest] = found
  if (digest === undefined) throw gone(request, context)
  return digest
}

function pinOf(request: PinnableRequest, source: Source, verified: Verified, context: Context): Pin {
  const { name, version, build, variant, fileName, url, urls, compression, format } = source
  const known = request.kind === 'named' ? knownAddresses(url, request.provider) : [url]
  const otherUrls = urls.filter((one) => !known.includes(one))
  return {
    request: writePinned(request),
    name,
    version,
    build,
    arch: request.kind === 'named' ? (request.arch ?? context.arch) : undefined,
    variant,
    fileName,
    url,
    otherUrls: otherUrls.length > 0 ? otherUrls : undefined,
    digest: formatDigest(verified.digest),
    sizeBytes: verified.sizeBytes,
    compression: compression === 'none' ? undefined : compression,
    format,
    trust: verified.trust,
    signedBy: verified.signedBy,
    resolvedAt: new Date(context.now()).toISOString(),
  }
}

function tooWeak(request: PinnableRequest, digest: Digest): VmImageError {
  return new VmImageError(
    'UNTRUSTED',
    `Cannot pin "${describeRequest(request)}": its publisher says only ${formatDigest(digest)}, which can be forged, and the packed file is not kept.\n` +
      'Say what the file is: vmimage pin --checksum sha256:<hex>.',
  )
}
