/**
 * verifyImages: every image of the cache read from its first byte to its last and held against its digest. What the
 * disk lost, or somebody wrote, leaves the cache; what a copy with coarser times or other modes left behind is put
 * right. Layers are looked at in the same way, and left as they are.
 */
import { chmodSync } from 'node:fs'
import type { Context } from '../context.js'
import { systemErrorCode } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { namesIn } from '../store/directory.js'
import { checkLayer } from '../store/layer.js'
import { type CacheLayout, cacheLayout, diskPath, imageDirectory, metaPath } from '../store/layout.js'
import { leaseOwners } from '../store/lease-owners.js'
import type { Stamp } from '../store/stamp.js'
import { type ImageMeta, renewStamp } from '../store/store.js'
import { moveToTrash } from '../store/trash.js'
import { lookAtImage } from './look-at-image.js'

export interface VerifiedImage {
  readonly key: string
  /** Where its disk is, or was before it was moved away. */
  readonly path: string
  /** The cache below the user's own that it belongs to; undefined for the user's own. */
  readonly layer: string | undefined
  /** What is written of it; undefined when that is what is wrong. */
  readonly meta: ImageMeta | undefined
  /** `unread`: nobody can tell, because this user may not read it. */
  readonly verdict: 'right' | 'wrong' | 'unread'
  /** Each thing that was not as it should be, and what was done about it; none for an image without fault. */
  readonly notes: readonly string[]
  /** Where a wrong image lies now, until the next run starts; undefined when it is where it was. */
  readonly movedTo: string | undefined
  /** Who uses a wrong image: `process 1234`. They keep the bytes that they have. */
  readonly usedBy: readonly string[]
}

/**
 * Verifies one image after the other: those of the cache, then those of the layers.
 *
 * @param isWanted which images; undefined for all, also those of which nothing can be read.
 * @throws VmImageError INVALID_CONFIG, CACHE_UNSAFE for a layer that is not to be used; the reason of the signal.
 */
export async function* verifyImages(
  isWanted: ((meta: ImageMeta) => boolean) | undefined,
  context: Context,
): AsyncGenerator<VerifiedImage> {
  for (const layer of [undefined, ...context.extraCacheDirs]) {
    if (layer !== undefined) checkLayer(layer)
    const layout = cacheLayout(layer ?? context.cacheDir, layer === undefined && context.shared)
    for (const key of namesIn(layout.images).toSorted()) {
      const verified = await verifyImage(layout, key, layer, isWanted, context)
      if (verified) yield verified
    }
  }
}

async function verifyImage(
  layout: CacheLayout,
  key: string,
  layer: string | undefined,
  isWanted: ((meta: ImageMeta) => boolean) | undefined,
  context: Context,
): Promise<VerifiedImage | undefined> {
  const seen = await lookAtImage(layout, key, isWanted, {
    signal: context.signal,
    onRead: ({ meta, path }, readBytes) => {
      const name = titleOf(meta) + (layer === undefined ? '' : ` in ${layer}`)
      const { sizeBytes: totalBytes } = meta.content
      context.report({ type: 'hashing', name: name || path, readBytes, totalBytes })
    },
  })
  if (seen === undefined) return undefined
  const { verdict, meta } = seen
  const base = { key, layer, meta, verdict, path: diskPath(layout, key), movedTo: undefined, usedBy: [] }
  if (verdict === 'unread') return { ...base, notes: [seen.problem] }
  if (verdict === 'right') return { ...base, notes: layer === undefined ? mend(layout, key, seen) : seen.odd }
  if (layer !== undefined) return { ...base, notes: [seen.problem, 'left as it is: layers are only read'] }
  const usedBy = leaseOwners(layout, key)
  const [movedTo, failure] = tryChange(() => moveToTrash(layout, imageDirectory(layout, key)))
  const notes = [seen.problem, ...(failure === undefined ? [] : [`it cannot be moved away: ${failure}`])]
  return { ...base, notes, movedTo, usedBy }
}

interface RightImage {
  readonly meta: ImageMeta
  readonly stamp: Stamp
  readonly isStampOff: boolean
  readonly isModeOff: boolean
  readonly odd: readonly string[]
}

/** Right bytes with a wrong stamp would be hashed again by every run; with another mode they are easily written to. */
function mend(layout: CacheLayout, key: string, seen: RightImage): readonly string[] {
  const path = diskPath(layout, key)
  const [, failure] = tryChange(() => {
    if (seen.isModeOff) for (const file of [path, metaPath(layout, key)]) chmodSync(file, 0o444)
    if (seen.isStampOff) renewStamp(layout, { key, path, meta: seen.meta }, seen.stamp)
  })
  return seen.odd.map((note) => `${note}: ${failure === undefined ? 'put right' : failure}`)
}

/** A cache that cannot be written can be verified all the same. */
function tryChange<T>(change: () => T): readonly [T | undefined, string | undefined] {
  try {
    return [change(), undefined]
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return [undefined, code]
  }
}
