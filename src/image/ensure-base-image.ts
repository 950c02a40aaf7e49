/**
 * ensureBaseImage: a request becomes a base image. When the cache has it, nothing is asked of anybody: a remembered
 * resolution names the image.
 */
import { compressionOf } from '../compression.js'
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { type ImageRequest, requestKey } from '../request/request.js'
import { cacheLayout } from '../store/layout.js'
import { findResolution, type Resolution } from '../store/resolutions.js'
import { type BaseImage, leaseResolved } from './base-image.js'

/**
 * Finds the image in the cache, or resolves, downloads, verifies and publishes it; leased for the run of `leaseDir`.
 *
 * @throws VmImageError of every code that a cold cache can lead to; none of the network's when the image is cached.
 */
export async function ensureBaseImage(
  request: ImageRequest,
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage> {
  // A packed file has to be unpacked somewhere: it goes through the cache like a download.
  if (request.kind === 'file' && compressionOf(request.path) === 'none') {
    const { localBaseImage } = await import('./local-image.js')
    return localBaseImage(request, context)
  }
  const layout = cacheLayout(context.cacheDir)
  const known =
    request.kind === 'file' ? undefined : findResolution(layout, requestKey(request, context.arch))
  const cached = known && leaseResolved(layout, leaseDir, known)
  if (known && cached && (context.offline || !isOld(known, request, context))) return cached
  try {
    const { fetchBaseImage } = await import('./fetch-base-image.js')
    return await fetchBaseImage(request, leaseDir, context)
  } catch (error) {
    if (cached === undefined || !(error instanceof VmImageError) || error.code !== 'NETWORK') throw error
    return serveStale(cached, error, context)
  }
}

/** Only a name moves on to newer builds; a URL is one image, and a digest even more so. */
function isOld(known: Resolution, request: ImageRequest, context: Context): boolean {
  if (request.kind !== 'named' || request.checksum !== undefined) return false
  return context.now() - known.resolvedAt > context.maxResolveAgeMs
}

function serveStale(cached: BaseImage, error: VmImageError, context: Context): BaseImage {
  const reason = error.message.replaceAll(/\s*\n\s*/g, ' ')
  context.report({
    type: 'warning',
    message: `${cached.name} ${cached.version} comes from the cache as resolved at ${cached.resolved.at}: ${reason}`,
  })
  return { ...cached, resolved: { at: cached.resolved.at, stale: reason } }
}
