/**
 * Base images of the caches below the user's own. Nothing in a layer is ever written: an image is leased by a hard link
 * in the directory of this run, which its owner's collector sees as one more link of the file; where the system gives no
 * link (another file system, a file of another user), it is read where it lies, and a marker says so in our own cache.
 */
import { lstatSync, statSync } from 'node:fs'
import type { Context } from '../context.js'
import { factsOf } from '../image-facts.js'
import { checkLayer, findInLayer } from '../store/layer.js'
import { cacheLayout, resolutionPath } from '../store/layout.js'
import { takeLease } from '../store/lease.js'
import { whenReadable } from '../store/readable.js'
import { findResolution, type Resolution } from '../store/resolutions.js'
import { isOfAnother, isOpenToAll } from '../store/root.js'
import { isUnchanged } from '../store/stamp.js'
import type { StoredImage } from '../store/store.js'
import type { BaseImage } from './base-image.js'

export type LayerContext = Pick<Context, 'extraCacheDirs'>

/**
 * The image that a resolution names, in the first layer that has it, leased for the run of `leaseDir`.
 *
 * @throws VmImageError INVALID_CONFIG, CACHE_UNSAFE for a layer that is not to be used.
 */
export function findLayered(
  resolution: Resolution,
  leaseDir: string | undefined,
  { extraCacheDirs }: LayerContext,
): BaseImage | undefined {
  for (const directory of extraCacheDirs) {
    checkLayer(directory)
    const stored = findInLayer(directory, resolution.key)
    const path = stored && leaseInLayer(directory, leaseDir, stored)
    if (stored && path !== undefined) return baseOf(resolution, stored, path, leaseDir)
  }
  return undefined
}

/**
 * The path to read an image by, which is the very file that was looked at; undefined when its owner has removed or
 * replaced it since. A lease that this run holds of another file of that name stays, as its disks stand on it.
 */
function leaseInLayer(
  directory: string,
  leaseDir: string | undefined,
  { key, path, meta }: StoredImage,
): string | undefined {
  const leased = takeLease(cacheLayout(directory), leaseDir, key)
  return [leased, path].find((file) => file !== undefined && isUnchanged(file, meta.content))
}

function baseOf(
  resolution: Resolution,
  stored: StoredImage,
  path: string,
  leaseDir: string | undefined,
): BaseImage {
  const { sizeBytes, mtimeNs, format, virtualSizeBytes } = stored.meta.content
  return {
    ...factsOf(resolution),
    path,
    format,
    virtualSizeBytes,
    stamp: { sizeBytes, mtimeNs },
    digest: resolution.digest,
    resolved: { at: new Date(resolution.resolvedAt).toISOString(), stale: undefined },
    leaseDir,
  }
}

/** The image `key` in the first layer that has it, not leased; throws like {@link findLayered}. */
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
