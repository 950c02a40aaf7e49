/**
 * The cold path: resolve, lock, fetch, verify, publish. Loaded only when the cache does not have the image, because
 * it brings the network, other programs and the lock with it.
 */
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { factsOf } from '../image-facts.js'
import { describeRequest, type ImageRequest, requestKey } from '../request/request.js'
import { resolveImage } from '../resolve/resolve.js'
import { cacheLayout } from '../store/layout.js'
import { findResolution, rememberResolution, type Resolution } from '../store/resolutions.js'
import { ensureCache } from '../store/root.js'
import { type BaseImage, leaseResolved } from './base-image.js'
import { fetchCommand } from './request-text.js'
import { healImage } from './heal-image.js'
import { publishSource } from './publish-source.js'
import { localSource, type Source, sourceOf, urlSource } from './source.js'

/**
 * Resolves the request anew and makes sure that its image is in the cache.
 *
 * @throws VmImageError of every code that resolving, fetching and publishing have.
 */
export async function fetchBaseImage(
  request: ImageRequest,
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage> {
  refuseOffline(request, context)
  const layout = cacheLayout(context.cacheDir)
  const source = await findSource(request, context)
  ensureCache(layout)
  const asked = requestKey(request, context.arch)
  const resolvedAt = context.now()
  // A packed file may be packed anew under its name: each run asks its bytes.
  const remember = (digest: Digest) => {
    if (request.kind !== 'file') rememberResolution(layout, resolutionOf(source, digest, asked, resolvedAt))
  }
  let base: BaseImage | undefined
  const isLeased = () => {
    const known = source.digest
      ? resolutionOf(source, source.digest, asked, resolvedAt)
      : findResolution(layout, asked)
    base = known && leaseResolved(layout, leaseDir, known)
    return base !== undefined
  }
  if (source.digest) await healImage(layout, digestKey(source.digest), context)
  await publishSource(layout, source, { isDone: isLeased, onPublished: remember, leaseDir }, context)
  if (!isLeased() || base === undefined) throw gone(request, context)
  if (source.digest) remember(source.digest)
  return base
}

async function findSource(request: ImageRequest, context: Context): Promise<Source> {
  if (request.kind === 'url') return urlSource(request, context)
  if (request.kind === 'file') return localSource(request, context)
  const name = describeRequest(request)
  context.report({ type: 'resolving', name })
  const resolved = await resolveImage(request, context)
  context.report({ type: 'resolved', name, url: resolved.url, digest: formatDigest(resolved.digest) })
  return sourceOf(resolved)
}

function resolutionOf(source: Source, digest: Digest, request: string, resolvedAt: number): Resolution {
  return { ...factsOf(source), request, key: digestKey(digest), digest: formatDigest(digest), resolvedAt }
}

function gone(request: ImageRequest, context: Context): VmImageError {
  return new VmImageError(
    'BASE_CHANGED',
    `Cannot use "${describeRequest(request)}": it was published and is gone again from "${context.cacheDir}".\n` +
      'Somebody deletes the cache while it is being filled; run again when that has ended.',
  )
}

function refuseOffline(request: ImageRequest, context: Context): void {
  if (!context.offline || request.kind === 'file') return
  throw new VmImageError(
    'OFFLINE',
    `Cannot fetch "${describeRequest(request)}": it is not in the cache "${context.cacheDir}", and the network is switched off (VMIMAGE_OFFLINE or the option).\n` +
      `With the network on, run: ${fetchCommand(request, context.arch)}`,
  )
}
