/**
 * Collecting: base images that nobody holds go, the least recently used first, when they are old or too many. The plan
 * (collect-plan.ts) is plain data; here is how the cache is looked at before it and what is done after it.
 *
 * An image goes by one rename into the trash, and is looked at again there: whoever leased it since the plan was made
 * shows as a link of its file, or as a mark. Then it is put back, because the lease keeps its bytes on the disk anyway,
 * and out of the cache they would be downloaded once more. Where that fails (it was downloaded already) nothing is lost:
 * the lease has a path of its own. A collector that is killed between any two steps leaves trash, which the next sweeps.
 */
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { systemErrorCode } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { allocatedBytes } from './allocated.js'
import { type CachedImage, type CollectGoal, type CollectPlan, planCollection } from './collect-plan.js'
import { asOnlyCollector } from './collector-lock.js'
import { namesIn } from './directory.js'
import { findHolders, isMarkedByAny, readLeaseDirectories } from './holders.js'
import { type CacheLayout, cacheLayout, imageDirectory } from './layout.js'
import { type Orphan, sweepOrphans } from './orphans.js'
import { ensureCache } from './root.js'
import { findImage } from './store.js'
import { moveToTrash } from './trash.js'

export interface Collected extends CollectPlan {
  /** What the disk has more of than before: the images that went. */
  readonly freedBytes: number
  /** What dead processes had left, gone too. */
  readonly swept: readonly Orphan[]
}

const dailyMs = 86_400_000

/** Every image of the cache, with its last use and its holders; the least recently used first. */
export function readCachedImages(context: Context): readonly CachedImage[] {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const directories = readLeaseDirectories(layout, context.now())
  return namesIn(layout.images)
    .flatMap((key) => readImage(layout, key, directories) ?? [])
    .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt)
}

/** What a collection would do now. Changes nothing. */
export function planCache(context: Context, goal: CollectGoal): CollectPlan {
  return planCollection(readCachedImages(context), goal, context.now())
}

/**
 * Sweeps what dead processes left, then removes images until the goal is reached.
 *
 * @returns undefined when another process collects.
 * @throws VmImageError CACHE_UNSAFE, CACHE_UNWRITABLE; the system's error when an image cannot be removed.
 */
export async function collectCache(context: Context, goal: CollectGoal): Promise<Collected | undefined> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  ensureCache(layout)
  return asOnlyCollector(layout, context.now(), async () => {
    const swept = sweepOrphans(context)
    const removed = await removeImages(context, planCache(context, goal))
    return { ...removed, swept }
  })
}

/** Removes what a plan says, except what somebody has begun to use since. */
export async function removeImages(
  context: Context,
  plan: CollectPlan,
): Promise<CollectPlan & { readonly freedBytes: number }> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const go: CollectPlan['go'][number][] = []
  const stay = [...plan.stay]
  for (const planned of plan.go) {
    context.signal.throwIfAborted()
    if (await removeImage(layout, planned.image, context.now())) go.push(planned)
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
    writeFileSync(stamp, '', { mode: 0o644 })
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
): CachedImage | undefined {
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

/** False when somebody uses it by now. One that another process has removed is gone as well. */
async function removeImage(layout: CacheLayout, { key, path }: CachedImage, now: number): Promise<boolean> {
  if (isInUse(layout, key, path, now)) return false
  const grave = moveToTrash(layout, imageDirectory(layout, key))
  if (grave === undefined) return true
  if (isInUse(layout, key, join(grave, 'disk'), now) && putBack(grave, imageDirectory(layout, key)))
    return false
  await rm(grave, { recursive: true, force: true })
  return true
}

function isInUse(layout: CacheLayout, key: string, disk: string, now: number): boolean {
  const links = statSync(disk, { throwIfNoEntry: false })?.nlink ?? 0
  return links > 1 || isMarkedByAny(layout, key, now)
}

/** False when somebody published it anew in the meantime, or swept it. */
function putBack(grave: string, directory: string): boolean {
  try {
    // A rename would replace an empty directory.
    if (existsSync(directory)) return false
    renameSync(grave, directory)
    return true
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return false
  }
}
