/**
 * Collecting: base images that nobody holds go, the least recently used first, when they are old or too many. The plan
 * (collect-plan.ts) is plain data; here is how the cache is looked at before it and what is done after it.
 *
 * An image goes by one rename into the trash, and is looked at again there: whoever leased it since the plan was made
 * shows as a link of its file, or as a mark. Then it is put back, because the lease keeps its bytes on the disk anyway,
 * and out of the cache they would be downloaded once more. Where that fails (it was downloaded already) a lease loses
 * nothing, having a path of its own; a mark has none, and its run may find another file at the path that it reads by. A
 * collector that is killed between any two steps leaves trash, which the next sweeps.
 */
import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { freeBytes } from '../disk-full.js'
import { systemErrorCode } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { allocatedBytes } from './allocated.js'
import { type CachedImage, type CollectGoal, type CollectPlan, planCollection } from './collect-plan.js'
import { asOnlyCollector } from './collector-lock.js'
import { namesIn } from './directory.js'
import { findHolders, isMarkedByAny, readLeaseDirectories } from './holders.js'
import { type CacheLayout, cacheLayout, imageDirectory } from './layout.js'
import { type Orphan, sweepOrphans } from './orphans.js'
import { whenReadable } from './readable.js'
import { replaceFile } from './replace-file.js'
import { listResolutions } from './resolutions.js'
import { ensureCache } from './root.js'
import { findImage } from './store.js'
import { moveToTrash, putBack } from './trash.js'

export interface Collected extends CollectPlan {
  /** What the images took that went; where room was asked for, also what the disk has more of since the sweep. */
  readonly freedBytes: number
  /** What dead processes had left, gone too. */
  readonly swept: readonly Orphan[]
}

const dailyMs = 86_400_000

/** Every image of the cache that this user may read, with its last use and its holders; the least recently used first. */
export function readCachedImages(context: Context): readonly CachedImage[] {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const directories = readLeaseDirectories(layout, context.now())
  const imported = new Set(listResolutions(layout).flatMap(({ isImported, key }) => (isImported ? key : [])))
  return namesIn(layout.images)
    .flatMap((key) => whenReadable(() => readImage(layout, key, directories)) ?? [])
    .map((image) => ({ ...image, isImported: imported.has(image.key) }))
    .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt)
}

/** What a collection would do now. Changes nothing. */
export function planCache(context: Context, goal: CollectGoal): CollectPlan {
  return planCollection(readCachedImages(context), goal, context.now())
}

/**
 * Sweeps what dead processes left, then removes images until the goal is reached. An image that this user may not
 * remove stays, and is no reason to leave the rest.
 *
 * @returns undefined when another process collects.
 * @throws VmImageError CACHE_UNSAFE, CACHE_UNWRITABLE; the system's error when the disk fails.
 */
export async function collectCache(context: Context, goal: CollectGoal): Promise<Collected | undefined> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  ensureCache(layout)
  return asOnlyCollector(layout, context.now(), async () => {
    const before = freeBytes(layout.cacheDir)
    const swept = sweepOrphans(context)
    if (goal.freeBytes === undefined)
      return { ...(await removeImages(context, planCache(context, goal), passOver)), swept }
    const sweptBytes = Math.max(0, freeBytes(layout.cacheDir) - before)
    const rest = { ...goal, freeBytes: goal.freeBytes - sweptBytes }
    const removed = await removeImages(context, planCache(context, rest), passOver)
    return { ...removed, freedBytes: removed.freedBytes + sweptBytes, swept }
  })
}

/** {@link removeImages}: an image that cannot be moved stays. */
function passOver(error: unknown): void {
  if (!['EACCES', 'EPERM', 'EROFS'].includes(systemErrorCode(error) ?? '')) throw error
}

/**
 * Removes what a plan says, except what somebody has begun to use since.
 *
 * @param onFailure is given what keeps an image from being removed; where it returns, the image stays. Default: throws it.
 */
export async function removeImages(
  context: Context,
  plan: CollectPlan,
  onFailure: (error: unknown) => void = rethrow,
): Promise<CollectPlan & { readonly freedBytes: number }> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const go: CollectPlan['go'][number][] = []
  const stay = [...plan.stay]
  for (const planned of plan.go) {
    context.signal.throwIfAborted()
    const outcome = await removeImage(layout, planned.image, context.now()).catch(onFailure)
    if (outcome === 'gone') go.push(planned)
    else if (outcome === undefined) stay.push({ image: planned.image, why: 'unremovable' })
    else {
      const holders = findHolders(layout, planned.image.key, readLeaseDirectories(layout, context.now()))
      stay.push({ image: { ...planned.image, holders }, why: 'held' })
    }
  }
  return { go, stay, freedBytes: go.reduce((sum, { image }) => sum + image.allocatedBytes, 0) }
}

/**
 * The collection that happens by itself, at most once a day: within the limits of the context, told in one line. To be
 * called when a run has leased what it needs. Never throws: a run does not fail for it.
 */
export async function collectDaily(context: Context): Promise<void> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const stamp = join(layout.versionDir, 'collected')
  if (!context.collect || !isDue(stamp, context.now())) return
  try {
    const { maxCacheAgeMs: maxAgeMs, maxCacheBytes: maxBytes } = context
    const collected = await collectCache(context, { maxAgeMs, maxBytes })
    if (collected === undefined) return
    // Replaced, because the file of another member of a group cannot be written.
    replaceFile(stamp, { content: '', mode: 0o644, isFlushed: false })
    if (collected.go.length === 0) return
    const images = collected.go.map(({ image }) => titleOf(image.meta))
    context.report({ type: 'collected', images, freedBytes: collected.freedBytes })
  } catch (error) {
    // A read-only cache is nobody's to collect; anything else is for people to know, and no reason to fail.
    const code = systemErrorCode(error)
    if (context.signal.aborted || code === 'EROFS' || code === 'EACCES') return
    const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error)
    context.report({ type: 'warning', message: `Old base images were not removed: ${message}` })
  }
}

function isDue(stamp: string, now: number): boolean {
  const stat = statSync(stamp, { throwIfNoEntry: false })
  return stat === undefined || Math.abs(now - stat.mtimeMs) >= dailyMs
}

/** Undefined for what is not whole, or of a form that this version does not know; a writer may be at it. */
function readImage(
  layout: CacheLayout,
  key: string,
  directories: ReturnType<typeof readLeaseDirectories>,
): Omit<CachedImage, 'isImported'> | undefined {
  const stored = findImage(layout, key)
  const disk = stored && statSync(stored.path, { throwIfNoEntry: false })
  const directory = disk && statSync(imageDirectory(layout, key), { throwIfNoEntry: false })
  if (stored === undefined || disk === undefined || directory === undefined) return undefined
  return {
    ...stored,
    allocatedBytes: allocatedBytes(disk),
    lastUsedAt: directory.mtimeMs,
    holders: findHolders(layout, key, directories),
  }
}

/** `used`: by somebody who has come since the plan was made. One that another process has removed is gone as well. */
async function removeImage(
  layout: CacheLayout,
  { key, path }: CachedImage,
  now: number,
): Promise<'gone' | 'used'> {
  if (isInUse(layout, key, path, now)) return 'used'
  const grave = moveToTrash(layout, imageDirectory(layout, key))
  if (grave === undefined) return 'gone'
  if (isInUse(layout, key, join(grave, 'disk'), now) && putBack(grave, imageDirectory(layout, key)))
    return 'used'
  await rm(grave, { recursive: true, force: true })
  return 'gone'
}

function rethrow(error: unknown): void {
  throw error
}

function isInUse(layout: CacheLayout, key: string, disk: string, now: number): boolean {
  const links = statSync(disk, { throwIfNoEntry: false })?.nlink ?? 0
  return links > 1 || isMarkedByAny(layout, key, now)
}
