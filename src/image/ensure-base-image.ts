/**
 * ensureBaseImage: a request becomes a base image. When the cache has it, nothing is asked of anybody: a pin or a
 * remembered resolution names the image.
 */
import { compressionOf } from '../compression.js'
import type { Context } from '../context.js'
import { titleOf } from '../image-facts.js'
import type { ImageRequest } from '../request/request.js'
import { type CacheLayout, cacheLayout } from '../store/layout.js'
import type { Resolution } from '../store/resolutions.js'
import { isTrusted } from '../trust.js'
import { type BaseImage, leaseResolved } from './base-image.js'
import { checkTrust } from './check-trust.js'
import { findKnown } from './known-resolution.js'
import { findLayered } from './layered-image.js'
import { readPinning } from './pin-file.js'
import { findPin, type Pin, resolutionOf } from './pins.js'
import { asStale } from './stale.js'
import { isUnavailable } from './unavailable.js'

/**
 * Finds the image in the cache, or resolves, downloads, verifies and publishes it; leased for the run of `leaseDir`.
 *
 * A request that is pinned is the file of its pin, of whatever age that is.
 *
 * @param refreshMs for how long its publisher may be asked for news of an image that is cached. Default 20 s.
 * @throws VmImageError UNTRUSTED when it is trusted less than was asked for; NOT_PINNED; of every code that a cold cache can
 *   lead to; none of the network's when the image is cached.
 */
export async function ensureBaseImage(
  request: ImageRequest,
  leaseDir: string | undefined,
  context: Context,
  refreshMs = 20_000,
): Promise<BaseImage> {
  // A packed file has to be unpacked somewhere: it goes through the cache like a download.
  if (request.kind === 'file' && compressionOf(request.path) === 'none') {
    const { localBaseImage } = await import('./local-image.js')
    return localBaseImage(request, context)
  }
  const layout = cacheLayout(context.cacheDir, context.shared)
  const pin = findPin(request, readPinning(context), context)
  if (pin) return ensurePinned(request, pin, leaseDir, context)
  const known = request.kind === 'file' ? undefined : findKnown(layout, request, context)
  const cached =
    known && ((await leaseOrHeal(layout, leaseDir, known, context)) ?? findLayered(known, leaseDir, context))
  // One that is not trusted enough may be trusted more by now: its publisher is asked first.
  const isFresh = known !== undefined && !isOld(known, request, context)
  if (cached && isFresh && isTrusted(request, cached, context)) return cached
  if (cached && context.offline) {
    checkTrust(request, cached, context)
    return serveStale(cached, 'the network is switched off.', context)
  }
  try {
    const findFresh = () => {
      const newest = findKnown(layout, request, context)
      if (newest === undefined || isOld(newest, request, context)) return undefined
      const fresh = leaseResolved(layout, leaseDir, newest) ?? findLayered(newest, leaseDir, context)
      return fresh && isTrusted(request, fresh, context) ? fresh : undefined
    }
    if (cached === undefined || !isTrusted(request, cached, context)) {
      const fetch = () => fetchAnew(request, leaseDir, context)
      // A packed file is hashed before anything can be found by it; and without the network nobody has to be waited for.
      if (request.kind === 'file' || context.offline) return await fetch()
      const { fetchOnce } = await import('./fetch-once.js')
      return await fetchOnce(request, findFresh, fetch, context)
    }
    const { refreshBaseImage } = await import('./refresh-base-image.js')
    return await refreshBaseImage(request, leaseDir, { findFresh, budgetMs: refreshMs }, context)
  } catch (error) {
    if (cached === undefined || !isUnavailable(error)) throw error
    checkTrust(request, cached, context)
    return serveStale(cached, error.message.replaceAll(/\s*\n\s*/g, ' '), context)
  }
}

async function fetchAnew(
  request: ImageRequest,
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage> {
  const { fetchBaseImage } = await import('./fetch-base-image.js')
  return await fetchBaseImage(request, leaseDir, context)
}

async function ensurePinned(
  request: ImageRequest,
  pin: Pin,
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage> {
  const known = resolutionOf(request, pin, context)
  checkTrust(request, known, context)
  const layout = cacheLayout(context.cacheDir, context.shared)
  const cached =
    (await leaseOrHeal(layout, leaseDir, known, context)) ?? findLayered(known, leaseDir, context)
  if (cached) return cached
  const { fetchPinned } = await import('./fetch-pinned.js')
  return await fetchPinned(request, pin, leaseDir, context)
}

async function leaseOrHeal(
  layout: CacheLayout,
  leaseDir: string | undefined,
  known: Resolution,
  context: Context,
): Promise<BaseImage | undefined> {
  const leased = leaseResolved(layout, leaseDir, known)
  if (leased) return leased
  const { healImage } = await import('./heal-image.js')
  return (await healImage(layout, known.key, context)) ? leaseResolved(layout, leaseDir, known) : undefined
}

/** Only a name moves on to newer builds; a URL is one image, a digest even more so, and an import somebody's decision. */
function isOld(known: Resolution, request: ImageRequest, context: Context): boolean {
  if (request.kind !== 'named' || request.checksum !== undefined || known.isImported) return false
  // A time in the future was written by a clock that was wrong: it does not make a name stay for years.
  return Math.abs(context.now() - known.resolvedAt) > context.maxResolveAgeMs
}

function serveStale(cached: BaseImage, reason: string, context: Context): BaseImage {
  const stale = asStale(cached, reason, context.now())
  context.report({
    type: 'warning',
    message: `${titleOf(cached)} comes from the cache: ${stale.resolved.stale}`,
  })
  return stale
}
