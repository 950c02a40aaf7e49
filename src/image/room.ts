/**
 * Room: what an image will take before its first byte is asked for, held against what the disk and the budget of the cache
 * have. Only what is certain is refused; what is guessed makes room, and a warning where there is none.
 */
import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from '../context.js'
import { freeBytes, roomCure } from '../disk-full.js'
import { VmImageError } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { sizeText } from '../progress-text.js'
import { allocatedIn } from '../store/allocated.js'
import { claimableBytes } from '../store/ingest.js'
import { collectCache } from '../store/collect.js'
import type { CacheLayout } from '../store/layout.js'
import { listImages } from '../store/store.js'
import { localPath, type Source } from './source.js'

export interface Room {
  /** What all images of the cache together may take on the disk; undefined: as much as there is. */
  readonly maxCacheBytes?: number | undefined
  /** Removes what nothing uses, until it has freed so much. Returns how much it freed. Default: nothing is removed. */
  readonly makeRoom?: ((neededBytes: number) => Promise<number>) | undefined
}

/** What the collector can do about room: within the limits of the context, and nothing where it is switched off. */
export function roomOf(context: Context): Room {
  if (!context.collect) return {}
  return { maxCacheBytes: context.maxCacheBytes, makeRoom: (bytes) => makeRoomIn(context, bytes) }
}

/** For how long another process is waited for that collects: removing takes seconds. */
const mostWaitMs = 10_000
const pollMs = 100

/** What went of images, or what the disk has more of: what is swept counts, and what another collector frees meanwhile. */
async function makeRoomIn(context: Context, neededBytes: number): Promise<number> {
  const before = freeBytes(context.cacheDir)
  const gained = () => Math.max(0, freeBytes(context.cacheDir) - before)
  const lastMs = performance.now() + mostWaitMs
  let collected = await collectCache(context, { freeBytes: neededBytes })
  while (collected === undefined && gained() < neededBytes && performance.now() < lastMs) {
    // Its own error for an abort is an AbortError; what callers gave as the reason says more.
    await delay(pollMs, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted())
    collected = await collectCache(context, { freeBytes: neededBytes - gained() })
  }
  return Math.max(collected?.freedBytes ?? 0, gained())
}

export interface Need {
  /** Without so much it cannot be done. */
  readonly certainBytes: number
  /** What it will take as far as can be told before it is unpacked. */
  readonly likelyBytes: number
}

/** qcow2 and raw images unpack to 2 to 4 times their size; holes take nothing. */
const likelyExpansion = 3

/**
 * What a download of `sizeBytes` needs of the disk when `arrivedBytes` of it are there. A packed file and what comes out of
 * it are there together for a while, and nothing comes out that is smaller. Pure.
 *
 * @param earlierBytes what an earlier build takes, unpacked; undefined when none is known.
 */
export function needOf(
  sizeBytes: number,
  arrivedBytes: number,
  isPacked: boolean,
  earlierBytes: number | undefined,
): Need {
  const rest = Math.max(0, sizeBytes - arrivedBytes)
  if (!isPacked) return { certainBytes: rest, likelyBytes: rest }
  const unpacked = Math.max(earlierBytes ?? likelyExpansion * sizeBytes, sizeBytes)
  return { certainBytes: rest + sizeBytes, likelyBytes: rest + unpacked }
}

/**
 * Looks whether an image will fit, and has room made when it will not.
 *
 * @returns what it needs.
 * @throws VmImageError NO_SPACE when it certainly does not fit, before its first byte is asked for.
 */
export async function seeToRoom(
  layout: CacheLayout,
  key: string,
  source: Source,
  { maxCacheBytes = Infinity, makeRoom }: Room,
  context: Context,
): Promise<Need> {
  const path = localPath(source)
  // Of a local file too a copy is unpacked. One that is gone is said to be when it is copied.
  const size =
    source.sizeBytes ?? (path === undefined ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0))
  const arrived = path === undefined ? claimableBytes(layout, key) : 0
  const need = needOf(size, arrived, source.compression !== 'none', sizeOfEarlier(layout, source))
  const lacking = () =>
    Math.max(
      need.likelyBytes - freeBytes(layout.ingest),
      maxCacheBytes === Infinity ? 0 : cachedBytes(layout) + need.likelyBytes - maxCacheBytes,
    )
  if (lacking() > 0) await makeRoom?.(lacking())
  const free = freeBytes(layout.ingest)
  if (need.certainBytes > free) throw tooLarge(layout, source, need, free)
  if (lacking() > 0) {
    const budget = maxCacheBytes === Infinity ? '' : `; the cache may take ${sizeText(maxCacheBytes)} in all`
    context.report({
      type: 'warning',
      message: `${titleOf(source)} may not fit: it takes about ${sizeText(need.likelyBytes)}, and "${layout.cacheDir}" has ${sizeText(free)} left${budget}.`,
    })
  }
  return need
}

/** On the disk, of all images. */
function cachedBytes(layout: CacheLayout): number {
  return listImages(layout).reduce((sum, { path }) => sum + allocatedIn(path), 0)
}

/** The largest of the same system and kind that is cached: builds differ little. */
function sizeOfEarlier(layout: CacheLayout, { name, variant, arch }: Source): number | undefined {
  const sizes = listImages(layout)
    .filter(({ meta }) => meta.name === name && meta.variant === variant && meta.arch === arch)
    .map(({ path }) => allocatedIn(path))
  return sizes.length === 0 ? undefined : Math.max(...sizes)
}

function tooLarge(layout: CacheLayout, source: Source, need: Need, free: number): VmImageError {
  const likely =
    need.likelyBytes > need.certainBytes ? ` (about ${sizeText(need.likelyBytes)} when it is unpacked)` : ''
  return new VmImageError(
    'NO_SPACE',
    `Cannot download "${source.fileName}": it needs ${sizeText(need.certainBytes)} more${likely}, and "${layout.cacheDir}" has ${sizeText(free)} left.\n${roomCure}`,
  )
}
