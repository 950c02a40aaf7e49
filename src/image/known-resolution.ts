/** What a request is known to mean, without asking anybody: by an import, by a resolution of before, by a layer's. */
import { existsSync } from 'node:fs'
import type { Arch } from '../arch.js'
import type { Context } from '../context.js'
import { importKey, type ImageRequest, requestKey } from '../request/request.js'
import { type CacheLayout, diskPath, resolutionPath } from '../store/layout.js'
import { findResolution, forgetResolution, type Resolution } from '../store/resolutions.js'
import { findImage } from '../store/store.js'
import { isTrusted } from '../trust.js'
import { findLayeredResolution, findStoredInLayers } from './layered-image.js'

type Known = Pick<Context, 'minimumTrust' | 'extraCacheDirs'> & { readonly arch: Arch }

/**
 * The resolution of a request that is trusted as much as it asks for, else the first that there is. An import is a
 * decision of the user's, so it comes before what a publisher said; but one whose image was removed counts no more.
 *
 * @throws VmImageError INVALID_CONFIG, CACHE_UNSAFE for a layer that is not to be used.
 */
export function findKnown(
  layout: CacheLayout,
  request: ImageRequest,
  context: Known,
): Resolution | undefined {
  let first: Resolution | undefined
  for (const known of resolutionsOf(layout, request, context)) {
    if (isTrusted(request, known, context)) return known
    first ??= known
  }
  return first
}

/** Forgets the import of a request whose image is gone: its bytes may come back by another name. */
export function forgetGoneImport(layout: CacheLayout, request: ImageRequest, defaultArch: Arch): void {
  if (request.kind !== 'named') return
  const key = importKey(request, defaultArch)
  const imported = findResolution(layout, key)
  if (imported && findImage(layout, imported.key) === undefined) forgetResolution(layout, key)
}

function* resolutionsOf(
  layout: CacheLayout,
  request: ImageRequest,
  context: Known,
): Generator<Resolution, void, undefined> {
  const imported = findImport(layout, request, context)
  if (imported) yield imported
  const key = requestKey(request, context.arch)
  const own = findResolution(layout, key)
  const isOwnThere = own !== undefined && isSomewhere(layout, own.key, context)
  if (isOwnThere) yield own
  // A layer is asked when there is nothing in the user's own cache, trusted or not.
  if (imported || isOwnThere) return
  const keys = request.kind === 'named' ? [importKey(request, context.arch), key] : [key]
  for (const asked of keys) {
    const layered = findLayeredResolution(asked, context)
    if (layered) yield layered
  }
  // Its image was collected: what a layer has of that name is there.
  if (own) yield own
}

function isSomewhere(layout: CacheLayout, key: string, context: Known): boolean {
  return existsSync(diskPath(layout, key)) || findStoredInLayers(key, context) !== undefined
}

function findImport(layout: CacheLayout, request: ImageRequest, { arch }: Known): Resolution | undefined {
  if (request.kind !== 'named') return undefined
  const key = importKey(request, arch)
  // Nearly always there is none, and an exception costs more than a look.
  const imported = existsSync(resolutionPath(layout, key)) ? findResolution(layout, key) : undefined
  return imported && findImage(layout, imported.key) ? imported : undefined
}
