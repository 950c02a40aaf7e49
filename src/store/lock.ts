/**
 * The lock saves bandwidth and carries no correctness: every writer has files of its own, and publishing is one
 * rename. So a lock that is lost, stolen or broken costs a second download and nothing else, and this file never
 * throws for it.
 *
 * proper-lockfile makes a directory and keeps its mtime young. What it lacks is here: it waits by wall clock (we wait
 * as long as bytes grow), a dead holder blocks for the whole stale time (we ask whether the process lives), and its
 * release would remove a successor's lock (we never release a lock that was lost). `stale` and `update` are
 * constants of the cache's format v1: two values on one lock are two holders.
 */
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { lock } from 'proper-lockfile'
import { systemErrorCode, VmImageError } from '../errors.js'
import { ingestedBytes } from './ingest.js'
import { type CacheLayout, lockOwnerPath, lockPath, trashPath } from './layout.js'
import { describeOwner, isProvablyDead, newOwner, parseOwner } from './owner.js'

const staleMs = 30_000
const updateMs = 5_000

export interface LockWait {
  /** Looks whether waiting (or the lock itself) is needless by now; asked before each try and once more under the lock. */
  readonly isDone: () => boolean
  /** Told a few times a second while another process holds the lock. */
  readonly onWait: (state: { readonly holder: string; readonly receivedBytes: number }) => void
  readonly signal: AbortSignal
  /** Give up when the holder's bytes have not grown for this long. Default 5 minutes. */
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
  const state = { lost: false }
  try {
    const release = await takeLock(join(layout.locks, key), {
      lockfilePath: path,
      realpath: false,
      stale: staleMs,
      update: updateMs,
      retries: 0,
      onCompromised: () => {
        state.lost = true
      },
    })
    const mine = identity(path)
    recordOwner(layout, key, mine)
    return async () => {
      if (state.lost || identity(path) !== mine) return
      // It can be lost at this very moment; then there is nothing of ours to give back (ERELEASED, ENOENT).
      await release().catch(() => undefined)
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

function recordOwner(layout: CacheLayout, key: string, lock: string | undefined): void {
  // Undefined: removed by hand since. Without a record the others wait for the heartbeat to end.
  if (lock === undefined) return
  const record: HolderRecord = { owner: newOwner(), lock }
  writeFileSync(lockOwnerPath(layout, key), JSON.stringify(record), { mode: 0o600 })
}

/** Inode numbers are used again at once (ext4), so the time of birth belongs to the identity of a lock. */
function identity(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.ino}:${stat.birthtimeNs}`
}

/** Frees a lock whose holder is certainly dead, milliseconds after its death; true when there is something to gain. */
function reapDeadHolder(layout: CacheLayout, key: string): boolean {
  const record = readHolder(layout, key)
  const path = lockPath(layout, key)
  const owner = parseOwner(record?.owner ?? '')
  if (record === undefined || owner === undefined || !isProvablyDead(owner) || identity(path) !== record.lock)
    return false
  const grave = trashPath(layout, newOwner())
  try {
    mkdirSync(layout.trash, { recursive: true, mode: 0o700 })
    renameSync(path, grave)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return true
    throw error
  }
  if (identity(grave) === record.lock) rmdirSync(grave)
  else putBack(grave, path)
  return true
}

/** Between the look and the rename a living process took the lock: it gets it back, unless a third has it by now. */
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
    // Half-written by a holder that has just begun, or not there yet.
    if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT') return undefined
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
  if (stalledMs > (wait.stallMs ?? 300_000)) throw stalled(layout, key, holder, receivedBytes, stalledMs)
  wait.onWait({ holder, receivedBytes })
  await delay(100 + Math.random() * 400, undefined, { signal: wait.signal })
}

function stalled(layout: CacheLayout, key: string, holder: string, bytes: number, ms: number): VmImageError {
  return new VmImageError(
    'LOCK_STALLED',
    `Cannot fetch image "${key}": ${holder} is at it, and its ${bytes} bytes have not grown for ${Math.round(ms / 1000)} s.\n` +
      `End that process and try again: its lock "${lockPath(layout, key)}" is taken over by itself.`,
  )
}
