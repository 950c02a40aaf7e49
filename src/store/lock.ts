/**
 * The lock saves bandwidth and carries no correctness: every writer has files of its own, and publishing is one
 * rename. So a lock that is lost, stolen or broken costs a second download and nothing else, and is no error. There are
 * errors for a holder that makes no progress, and for a place where there can be no lock.
 *
 * proper-lockfile makes a directory and keeps its mtime young. What it lacks is here: it waits by wall clock (we wait
 * as long as bytes grow), a dead holder blocks for the whole stale time (we ask whether the process lives), a living
 * one loses its lock when the clock jumps (we watch its heartbeat by a clock that does not), and its release and its
 * exit hook would remove a successor's lock (we give it a file system that does not). `stale` and `update` are
 * constants of the cache's format v1: two values on one lock are two holders.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { lock } from 'proper-lockfile'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { ingestedBytes } from './ingest.js'
import { type CacheLayout, lockPath } from './layout.js'
import { eraseHolder, findHolder, freeLock, type Holder, recordHolder } from './lock-holder.js'
import { LockWatch } from './lock-watch.js'
import { identity, OwnLock } from './own-lock.js'
import { describeOwner, isStopped, judge } from './owner.js'
import { ensureCache } from './root.js'
import { discard } from './trash.js'

const staleMs = 30_000
const updateMs = 5_000
const stalledAfterMs = 30 * 60_000
/**
 * How often a waiting process looks whether the holder has died: a dead one is followed within a quarter of a second, and
 * a look is a few system calls. Not all at the same time.
 */
const [shortestPollMs, longestPollMs] = [40, 120]
/** How often it says for whom it waits: what that takes grows with what is there. */
const tellMs = 250

/** What is to be told while another process holds the lock. */
export interface LockWaiting {
  /** `process 1234`. */
  readonly holder: string
  readonly receivedBytes: number
  /** Of the last seconds; undefined at first. */
  readonly bytesPerSecond: number | undefined
}

export interface LockWait {
  /** Looks whether waiting (or the lock itself) is needless by now; asked before each try and once more under the lock. */
  readonly isDone: () => boolean
  /** Told a few times a second while another process holds the lock. */
  readonly onWait: (state: LockWaiting) => void
  readonly signal: AbortSignal
  /** What shows that the holder makes progress. Default: the bytes of all downloads of the key. */
  readonly receivedBytes?: (() => number) | undefined
  /** What is worked on, for people. Default: the key. */
  readonly name?: string | undefined
  /**
   * Give up when the holder's bytes have not grown for this long. Default 30 minutes: who waits here waits for a
   * process with a heartbeat (30 s without one free the lock), and hashing, inspecting or asking a slow mirror again
   * brings no bytes.
   */
  readonly stallMs?: number | undefined
  /** For how long a holder that lives may be silent while we watch. Default 30 s, six heartbeats. */
  readonly silentMs?: number | undefined
}

/**
 * Runs `action` as the only process of the machine that works on `key`, or not at all when `isDone()` turns true
 * while waiting.
 *
 * @throws VmImageError LOCK_STALLED when the holder makes no progress; CACHE_UNWRITABLE, NO_SPACE when there can be no lock; the signal's reason when aborted.
 */
export async function withLock(
  layout: CacheLayout,
  key: string,
  wait: LockWait,
  action: () => Promise<void>,
): Promise<void> {
  const { lock: takeLock } = await import('proper-lockfile')
  const watch = new LockWatch(lockPath(layout, key))
  while (!wait.isDone()) {
    wait.signal.throwIfAborted()
    const holder = findHolder(layout, key)
    const verdict = holder && judgeHolder(holder, watch.silentMs(), wait)
    if (holder && verdict === 'gone') freeLock(layout, key, holder)
    else if (!holder) freeSilent(layout, key, watch, wait)
    const lock = verdict === 'working' ? 'held' : await tryLock(takeLock, layout, key)
    if (typeof lock === 'function') {
      try {
        if (!wait.isDone()) await action()
      } finally {
        await lock()
      }
      return
    }
    await waitABit(layout, key, wait, watch, lock === 'held')
  }
}

/**
 * A dead holder is gone milliseconds after its death. One that certainly lives is not judged by the clock on the wall,
 * unless it is stopped; when its event loop hangs, its heartbeat fails to come before our eyes. Of any other (on another
 * machine, in another container) only the age of its lock speaks, which is proper-lockfile's business.
 */
function judgeHolder({ owner }: Holder, silentMs: number, wait: LockWait): 'gone' | 'working' | 'unknown' {
  const verdict = judge(owner)
  if (verdict === 'dead' || silentMs > (wait.silentMs ?? staleMs)) return 'gone'
  return verdict === 'alive' && !isStopped(owner) ? 'working' : 'unknown'
}

/**
 * A lock that nobody has a record of, without a heartbeat before our eyes. proper-lockfile frees what is old by the clock on
 * the wall, which never comes for one whose time lies in the future.
 */
function freeSilent(layout: CacheLayout, key: string, watch: LockWatch, wait: LockWait): void {
  const lock = identity(lockPath(layout, key))
  if (lock !== undefined && watch.silentMs() > (wait.silentMs ?? staleMs)) freeLock(layout, key, { lock })
}

type Lock = typeof lock

/** The function that gives the lock back; or why it is to be asked for again: somebody has it, or what was in the way is not any more. */
async function tryLock(
  takeLock: Lock,
  layout: CacheLayout,
  key: string,
): Promise<(() => Promise<void>) | 'held' | 'cleared'> {
  const path = lockPath(layout, key)
  const ours = new OwnLock(path, layout.isShared)
  try {
    const release = await takeLock(join(layout.locks, key), {
      lockfilePath: path,
      realpath: false,
      stale: staleMs,
      update: updateMs,
      retries: 0,
      fs: ours.fileSystem,
      // Lost: our work goes on, and whoever has the lock now does the same once more.
      onCompromised: () => undefined,
    })
    recordHolder(layout, key, ours.identity)
    return async () => {
      eraseHolder(layout, key, ours.identity)
      // It can be lost at this very moment; then there is nothing of ours to give back (ERELEASED, ENOENT).
      if (!ours.isLost()) await release().catch(() => undefined)
      // Still there: somebody put a file into it, which would keep everybody out for ever.
      if (!ours.isLost()) clearAway(layout, path)
    }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ELOCKED') return 'held'
    // What has the lock's name and no heartbeat is none of our locks, or one that somebody put a file into.
    if ((code === 'ENOTEMPTY' || code === 'ENOTDIR') && clearAway(layout, path)) return 'cleared'
    // Somebody removed the locks, or the whole cache, since it was made.
    if (code === 'ENOENT') {
      ensureCache(layout)
      return 'cleared'
    }
    throw unlockable(path, error)
  }
}

/** False when it cannot be moved. */
function clearAway(layout: CacheLayout, path: string): boolean {
  try {
    discard(layout, path)
    return true
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return false
  }
}

function unlockable(path: string, error: unknown): VmImageError {
  if (isDiskFull(error)) return diskFullError(path, undefined, error)
  return new VmImageError(
    'CACHE_UNWRITABLE',
    `Cannot lock "${path}": ${systemErrorCode(error) ?? String(error)}.\nMake the cache writable, or set VMIMAGE_CACHE_DIR.`,
    { cause: error },
  )
}

async function waitABit(
  layout: CacheLayout,
  key: string,
  wait: LockWait,
  watch: LockWatch,
  isHeld: boolean,
): Promise<void> {
  if (isHeld && watch.isToTell(tellMs)) tell(layout, key, wait, watch)
  // Its own error for an abort is an AbortError; what callers gave as the reason says more.
  const pollMs = shortestPollMs + Math.random() * (longestPollMs - shortestPollMs)
  await delay(pollMs, undefined, { signal: wait.signal }).catch(() => wait.signal.throwIfAborted())
}

function tell(layout: CacheLayout, key: string, wait: LockWait, watch: LockWatch): void {
  const owner = findHolder(layout, key)?.owner
  const receivedBytes = wait.receivedBytes?.() ?? ingestedBytes(layout, key)
  const holder = owner ? describeOwner(owner) : 'another process'
  watch.see(receivedBytes)
  if (watch.stalledMs > (wait.stallMs ?? stalledAfterMs))
    throw stalled(wait.name ?? key, holder, lockPath(layout, key), receivedBytes, watch.stalledMs)
  wait.onWait({ holder, receivedBytes, bytesPerSecond: watch.bytesPerSecond })
}

function stalled(name: string, holder: string, lock: string, bytes: number, ms: number): VmImageError {
  return new VmImageError(
    'LOCK_STALLED',
    `Cannot fetch image "${name}": ${holder} is at it, and its ${bytes} bytes have not grown for ${Math.round(ms / 1000)} s.\n` +
      `End that process and try again: its lock "${lock}" is taken over by itself.`,
  )
}
