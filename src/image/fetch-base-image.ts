/**
 * The cold path: resolve, lock, fetch, verify, publish. Loaded only when the cache does not have the image, because
 * it brings the network, other programs and the lock with it.
 */
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest, parseDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { freshly } from '../http/fresh.js'
import { factsOf, type ImageFacts } from '../image-facts.js'
import { describeRequest, type ImageRequest, requestKey } from '../request/request.js'
import { discardAbandoned, handOver } from '../store/ingest.js'
import { type CacheLayout, cacheLayout } from '../store/layout.js'
import { findResolution, type Resolution } from '../store/resolutions.js'
import { ensureCache } from '../store/root.js'
import { findImage, renewMeta } from '../store/store.js'
import { askAgain, isWrong, mayBeStale, mayHaveAnotherDigest } from './ask-again.js'
import { type BaseImage, leaseResolved } from './base-image.js'
import { findSource, refuseOffline } from './find-source.js'
import { findLayered, findLayeredResolution, findStoredInLayers } from './layered-image.js'
import { healImage } from './heal-image.js'
import { forgetGoneImport } from './known-resolution.js'
import { ingestKey, type Publishing, publishSource } from './publish-source.js'
import { checkTrust } from './check-trust.js'
import { provenFacts } from './proven-facts.js'
import { rememberIfPossible } from './remember.js'
import { compareWithSeen } from './rollback.js'
import { localBaseImage } from './local-image.js'
import type { Room } from './room.js'
import { roomOf } from './room.js'
import { localPath, type Source } from './source.js'
import { tooLate, within } from './within.js'

/** How a fetch differs when there is an image already that will do. */
export interface FetchOptions extends Room {
  /** For how long the publisher may be asked what is new. Default: as long as it takes. */
  readonly budgetMs?: number | undefined
  /** How often a server may fail without progress before it is given up. Default: that of `download()`. */
  readonly attempts?: number | undefined
  /** Told before anything is downloaded; a fetch that finds its image cached never calls it. */
  readonly onDownload?: (() => void) | undefined
}

/** Images that vanish as often as this vanish because somebody deletes them. */
const mostTries = 3

/**
 * Resolves the request anew and makes sure that its image is in the cache.
 *
 * @throws VmImageError of every code that resolving, fetching and publishing have.
 */
export async function fetchBaseImage(
  request: ImageRequest,
  leaseDir: string | undefined,
  context: Context,
  options: FetchOptions = {},
): Promise<BaseImage> {
  refuseOffline(request, context)
  const { budgetMs, ...more } = options
  const resolve = (bounded: Context) =>
    within(budgetMs, tooLate(request, budgetMs ?? 0), bounded, (limited) => findSource(request, limited))
  const source = await resolve(context)
  try {
    const keepsWrongBytes = mayHaveAnotherDigest(request)
    return await obtain(request, source, { ...more, leaseDir, keepsWrongBytes }, context)
  } catch (error) {
    if (!mayBeStale(error, request)) throw error
    const renewed = await resolveAgain(error, source, resolve, context)
    return obtain(request, renewed, { ...more, leaseDir, keepsWrongBytes: false }, context)
  }
}

/** What arrived in the first try goes on as a download of the new answer: it may be the very file that is named now. */
async function resolveAgain(
  error: VmImageError,
  source: Source,
  resolve: (context: Context) => Promise<Source>,
  context: Context,
): Promise<Source> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const fresh = { ...context, http: freshly(context.http) }
  try {
    const renewed = await askAgain(error, source, () => resolve(fresh), context)
    const isOtherKey = ingestKey(renewed) !== ingestKey(source)
    if (isOtherKey && isWrong(error)) handOver(layout, ingestKey(source), ingestKey(renewed))
    return renewed
  } finally {
    if (isWrong(error)) discardAbandoned(layout, ingestKey(source))
  }
}

type ObtainOptions = Omit<FetchOptions, 'budgetMs'> & Pick<Publishing, 'leaseDir' | 'keepsWrongBytes'>

/**
 * The image of a source, which is what the request means now: from the cache, or from its servers.
 *
 * @throws VmImageError of every code that fetching and publishing have.
 */
export async function obtain(
  request: ImageRequest,
  source: Source,
  { onDownload, ...options }: ObtainOptions,
  context: Context,
): Promise<BaseImage> {
  const { leaseDir } = options
  const layout = cacheLayout(context.cacheDir, context.shared)
  // What cannot be trusted enough is not downloaded.
  checkTrust(request, source.proof ? { ...source, trust: 'signed' } : source, context)
  if (localPath(source) !== undefined && source.compression === 'none')
    return useInPlace(layout, source, context)
  ensureCache(layout)
  const asked = requestKey(request, context.arch)
  const resolvedAt = context.now()
  const seen =
    request.kind === 'named'
      ? compareWithSeen(
          request,
          source,
          findResolution(layout, asked) ?? findLayeredResolution(asked, context),
          context,
        )
      : undefined
  const resolutionOf = (digest: Digest): Resolution | undefined => {
    const facts = knownFacts(layout, source, digest, context)
    const image = { key: digestKey(digest), digest: formatDigest(digest) }
    return facts && { ...facts, ...image, request: asked, resolvedAt, seen }
  }
  // A packed file may be packed anew under its name: each run asks its bytes.
  const remember = (digest: Digest) => {
    const resolution = localPath(source) === undefined ? resolutionOf(digest) : undefined
    if (resolution === undefined) return
    rememberIfPossible(layout, resolution, context)
    forgetGoneImport(layout, request, context.arch)
  }
  let base: BaseImage | undefined
  let isThatFile = !isAnothersFile(layout, source)
  let published: Digest | undefined
  const onPublished = (digest: Digest) => {
    isThatFile = true
    published = digest
    remember(digest)
  }
  const isLeased = () => {
    if (!isThatFile) return false
    const digest = source.digest ?? published ?? findSameDigest(layout, asked, source)
    const known = digest && resolutionOf(digest)
    base = known && (leaseResolved(layout, leaseDir, known) ?? findLayered(known, leaseDir, context))
    return base !== undefined
  }
  if (source.digest) await prepareStored(layout, source, source.digest, context)
  if (!isLeased()) onDownload?.()
  // What was published can be gone again before it is leased from its place: then it is fetched once more.
  for (let tries = 0; tries < mostTries; tries += 1) {
    await publishSource(
      layout,
      source,
      { isDone: isLeased, onPublished, ...roomOf(context), ...options },
      context,
    )
    if (isLeased()) break
  }
  if (base === undefined) throw gone(request, context)
  if (base.digest) remember(parseDigest(base.digest))
  return base
}

/** An image of a directory of this machine is used where it lies, like a file that is named by its path. */
async function useInPlace(layout: CacheLayout, source: Source, context: Context): Promise<BaseImage> {
  const path = localPath(source) ?? ''
  const { format, digest: checksum } = source
  const { arch } = context
  const file = {
    kind: 'file',
    path,
    arch,
    format,
    checksum,
    sizeBytes: undefined,
    minimumTrust: undefined,
  } as const
  const base = await localBaseImage(file, context)
  return { ...base, ...(await provenFacts(layout, path, source, context)) }
}

/**
 * A digest of the caller's own may be that of another system's image, which happens to be cached: whether this name has
 * it too, only a download tells.
 */
function isAnothersFile(layout: CacheLayout, { trust, digest, fileName }: Source): boolean {
  const stored = trust === 'pinned' && digest ? findImage(layout, digestKey(digest)) : undefined
  return stored !== undefined && stored.meta.fileName !== fileName
}

/** Where nobody gives a digest the address tells an image: what the name meant before may be an older build. */
function findSameDigest(layout: CacheLayout, asked: string, { url }: Source): Digest | undefined {
  const known = findResolution(layout, asked)
  return known?.url === url ? parseDigest(known.digest) : undefined
}

/**
 * A signature over the image is verified when its bytes arrive, perhaps by another process: the store says so.
 * Undefined: the image is not there yet, or came by a way on which nobody looked at its signature.
 */
function knownFacts(
  layout: CacheLayout,
  source: Source,
  digest: Digest,
  context: Context,
): ImageFacts | undefined {
  if (source.proof === undefined) return factsOf(source)
  const key = digestKey(digest)
  const { trust, signedBy = '' } =
    (findImage(layout, key) ?? findStoredInLayers(key, context))?.meta ?? source
  const isProven = trust === 'signed' && source.proof.signer.fingerprints.includes(signedBy)
  return isProven ? { ...factsOf(source), trust, signedBy } : undefined
}

/**
 * Looks at what is cached: wrong bytes make way for a download. An image that came by a way on which nobody looked at its
 * signature is held against it here when it lies there as it was served; a packed one has to be downloaded once more.
 */
async function prepareStored(
  layout: CacheLayout,
  source: Source,
  digest: Digest,
  context: Context,
): Promise<void> {
  const key = digestKey(digest)
  await healImage(layout, key, context)
  const stored = findImage(layout, key)
  if (stored === undefined || knownFacts(layout, source, digest, context)) return
  if (stored.meta.content.sha256 !== undefined) return
  const { trust, signedBy } = await provenFacts(layout, stored.path, source, context)
  renewMeta(layout, stored, { trust, signedBy })
}

/** The error for an image that was published and is not there any more. */
export function gone(request: ImageRequest, context: Context): VmImageError {
  return new VmImageError(
    'BASE_CHANGED',
    `Cannot use "${describeRequest(request)}": it was published and is gone again from "${context.cacheDir}".\n` +
      'Somebody deletes the cache while it is being filled; run again when that has ended.',
  )
}
