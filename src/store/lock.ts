/**
 * The lock saves bandwidth and carries no correctness: every writer has files of its own, and publishing is one
 * rename. So a lock that is lost, stolen or broken costs a second download and nothing else, and this file never
 * throws for it.
 *
 * proper-lockfile makes a directory and keeps its mtime young. What it lacks is here: it waits by wall clock (we wait
 * as long as bytes grow), a dead holder blocks for the whole stale time (we ask whether the process lives), and its
 * release and its exit hook would remove a successor's lock (we give it a file system that does not). `stale` and
 * `update` are constants of the cache's format v1: two values on one lock are two holders.
 */
import { readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { lock } from 'proper-lockfile'
import { systemErrorCode, VmImageError } from '../errors.js'
import { ingestedBytes } from './ingest.js'
import { type CacheLayout, lockOwnerPath, lockPath } from './layout.js'
import { identity, OwnLock } from './own-lock.js'
import { describeOwner, isProvablyDead, newOwner, parseOwner } from './owner.js'
import { moveToTrash } from './trash.js'

const staleMs = 30_000
const updateMs = 5_000
const stalledAfterMs = 30 * 60_000

export interface LockWait {
  /** Looks whether waiting (or the lock itself) is needless by now; asked before each try and once more under the lock. */
  readonly isDone: () => boolean
  /** Told a few times a second while another process holds the lock. */
  readonly onWait: (state: { readonly holder: string; readonly receivedBytes: number }) => void
  readonly signal: AbortSignal
  /**
   * Give up when the holder's bytes have not grown for this long. Default 30 minutes: who waits here waits for a
   * process with a heartbeat (30 s without one free the lock), and hashing, inspecting or asking a slow mirror again
   * brings no bytes.
   */
  readonly stallMs?: number | undefined
}

/**
 * Runs `action` as the only process of the machine that works on `key`, or not at all when `isDone()` turns true
 * while waiting.
 *
 * @throws VmImageError LOCK_STALLED when the holder makes no progress; the signal's reason when aborted.
 */
export async function withLock(
  layout: CacheLayout,
  key: string,
  wait: LockWait,
  action: () => Promise<void>,
): Promise<void> {
  const { lock: takeLock } = await import('proper-lockfile')
  const watch = { bytes: -1, since: performance.now() }
  while (!wait.isDone()) {
    wait.signal.throwIfAborted()
    const release = await tryLock(takeLock, layout, key)
    if (release !== undefined) {
      try {
        if (!wait.isDone()) await action()
      } finally {
        await release()
      }
      return
    }
    if (!reapDeadHolder(layout, key)) await waitABit(layout, key, wait, watch)
  }
}

type Lock = typeof lock

/** The function that gives the lock back, or undefined when somebody else has it. */
async function tryLock(
  takeLock: Lock,
  layout: CacheLayout,
  key: string,
): Promise<(() => Promise<void>) | undefined> {
  const path = lockPath(layout, key)
  const ours = new OwnLock(path)
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
    recordOwner(layout, key, ours.identity)
    return async () => {
      // It can be lost at this very moment; then there is nothing of ours to give back (ERELEASED, ENOENT).
      if (!ours.isLost()) await release().catch(() => undefined)
    }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ELOCKED') return undefined
    throw new VmImageError(
      'CACHE_UNWRITABLE',
      `Cannot lock "${path}": ${code ?? String(error)}.\nMake the cache writable, or set VMIMAGE_CACHE_DIR.`,
      { cause: error },
    )
  }
}

interface HolderRecord {
  readonly owner: string
  /** Which lock directory the record speaks of; see {@link identity}. */
  readonly lock: string
}

/** Without a record (a full disk, say) the others wait for the end of the heartbeat. */
function recordOwner(layout: CacheLayout, key: string, lock: string | undefined): void {
  if (lock === undefined) return
  const record: HolderRecord = { owner: newOwner(), lock }
  try {
    writeFileSync(lockOwnerPath(layout, key), JSON.stringify(record), { mode: 0o600 })
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
  }
}

/** Frees a lock whose holder is certainly dead, milliseconds after its death; true when there is something to gain. */
function reapDeadHolder(layout: CacheLayout, key: string): boolean {
  const record = readHolder(layout, key)
  const path = lockPath(layout, key)
  const owner = parseOwner(record?.owner ?? '')
  if (record === undefined || owner === undefined || !isProvablyDead(owner) || identity(path) !== record.lock)
    return false
  const grave = moveToTrash(layout, path)
  if (grave === undefined) return true
  if (identity(grave) === record.lock) rmdirSync(grave)
  else putBack(grave, path)
  return true
}

/**
 * Between the look and the rename a living process took the lock: it gets it back. A third that has taken it by now
 * loses it, because a rename replaces an empty directory (rename(2)): one more download, and nothing else.
 */
function putBack(grave: string, path: string): void {
  try {
    renameSync(grave, path)
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    rmSync(grave, { recursive: true, force: true })
  }
}

function readHolder(layout: CacheLayout, key: string): HolderRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(lockOwnerPath(layout, key), 'utf8'))
    return isHolderRecord(record) ? record : undefined
  } catch (error) {
    // Half-written by a holder that has just begun, not there yet, or not to be read.
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return undefined
    throw error
  }
}

function isHolderRecord(value: unknown): value is HolderRecord {
  if (typeof value !== 'object' || value === null) return false
  return (
    'owner' in value && typeof value.owner === 'string' && 'lock' in value && typeof value.lock === 'string'
  )
}

async function waitABit(
  layout: CacheLayout,
  key: string,
  wait: LockWait,
  watch: { bytes: number; since: number },
): Promise<void> {
  const receivedBytes = ingestedBytes(layout, key)
  const owner = parseOwner(readHolder(layout, key)?.owner ?? '')
  const holder = owner ? describeOwner(owner) : 'another process'
  if (receivedBytes !== watch.bytes) Object.assign(watch, { bytes: receivedBytes, since: performance.now() })
  const stalledMs = performance.now() - watch.since
  if (stalledMs > (wait.stallMs ?? stalledAfterMs))
    throw stalled(layout, key, holder, receivedBytes, stalledMs)
  wait.onWait({ holder, receivedBytes })
  // Its own error for an abort is an AbortError; what callers gave as the reason says more.
  await delay(100 + Math.random() * 400, undefined, { signal: wait.signal }).catch(() =>
    wait.signal.throwIfAborted(),
  )
}

function stalled(layout: CacheLayout, key: string, holder: string, bytes: number, ms: number): VmImageError {
  return new VmImageError(
    'LOCK_STALLED',
    `Cannot fetch image "${key}": ${holder} is at it, and its ${bytes} bytes have not grown for ${Math.round(ms / 1000)} s.\n` +
      `End that process and try again: its lock "${lockPath(layout, key)}" is taken over by itself.`,
  )
}
