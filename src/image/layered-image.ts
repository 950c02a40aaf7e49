/** Base images of the caches below the user's own: read where they lie, never written, and in need of no lease. */
import { lstatSync, statSync } from 'node:fs'
import type { Context } from '../context.js'
import { factsOf } from '../image-facts.js'
import { checkLayer, findInLayer } from '../store/layer.js'
import { cacheLayout, resolutionPath } from '../store/layout.js'
import { whenReadable } from '../store/readable.js'
import { findResolution, type Resolution } from '../store/resolutions.js'
import { isOfAnother, isOpenToAll } from '../store/root.js'
import type { StoredImage } from '../store/store.js'
import type { BaseImage } from './base-image.js'

export type LayerContext = Pick<Context, 'extraCacheDirs'>

/**
 * The image that a resolution names, in the first layer that has it.
 *
 * @throws VmImageError INVALID_CONFIG, CACHE_UNSAFE for a layer that is not to be used.
 */
export function findLayered(resolution: Resolution, context: LayerContext): BaseImage | undefined {
  const stored = findStoredInLayers(resolution.key, context)
  if (stored === undefined) return undefined
  const { sizeBytes, mtimeNs, format, virtualSizeBytes } = stored.meta.content
  return {
    ...factsOf(resolution),
    path: stored.path,
    format,
    virtualSizeBytes,
    stamp: { sizeBytes, mtimeNs },
    digest: resolution.digest,
    resolved: { at: new Date(resolution.resolvedAt).toISOString(), stale: undefined },
    leaseDir: undefined,
  }
}

/** The image `key` in the first layer that has it; throws like {@link findLayered}. */
export function findStoredInLayers(key: string, { extraCacheDirs }: LayerContext): StoredImage | undefined {
  for (const directory of extraCacheDirs) {
    checkLayer(directory)
    const stored = findInLayer(directory, key)
    if (stored) return stored
  }
  return undefined
}

/**
 * What a request resolved to when a layer was filled: a machine whose image brings its caches needs no network. Throws
 * like {@link findLayered}: who writes a resolution says which image is meant, and how much it is trusted.
 */
export function findLayeredResolution(
  request: string,
  { extraCacheDirs }: LayerContext,
): Resolution | undefined {
  return extraCacheDirs
    .flatMap((directory) => {
      checkLayer(directory)
      return resolutionIn(directory, request) ?? []
    })
    .toSorted((a, b) => b.resolvedAt - a.resolvedAt)[0]
}

/** Undefined also where others than the owner of the layer could have written it. */
function resolutionIn(directory: string, request: string): Resolution | undefined {
  const layout = cacheLayout(directory)
  return whenReadable(() => {
    const { uid: owner } = statSync(directory)
    // Of links the link itself: its mode is open to all.
    const stats = [layout.resolved, resolutionPath(layout, request)].map((path) => lstatSync(path))
    const isSafe = !stats.some((stat) => isOfAnother(stat, owner) || isOpenToAll(stat))
    return isSafe ? findResolution(layout, request) : undefined
  })
}
