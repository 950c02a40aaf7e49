/**
 * The two directories of one run, both named by its owner: leases in the cache (hard links need its file system),
 * overlays in the overlay directory. Removing them is all that has to happen at the end, so it is synchronous and
 * can be done from a signal handler; after kill -9 the next start does it.
 */
import { existsSync, mkdirSync, renameSync, statfsSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clearInterval, setInterval } from 'node:timers'
import { type Context, defaultOverlayDir } from '../context.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { namesIn } from './directory.js'
import { cacheLayout, leaseDirectory, overlayRuns } from './layout.js'
import { isKept } from './lease.js'
import { makeDirectory } from './make-directory.js'
import { judge, newOwner, nobody, type Owner, parseOwner } from './owner.js'
import { ensureLeases, ensureOverlayDirectories, unwritable } from './root.js'
import { removeTree } from './remove-tree.js'

/** An owner that cannot be judged from here (another machine, another container) is dead when silent for a day. */
const silentMs = 24 * 3_600_000
const heartbeatMs = 10 * 60_000

export interface RunDirectory extends AsyncDisposable {
  /** Holds the hard links of the bases in use; undefined when the cache is read-only. */
  readonly leaseDir: string | undefined
  readonly overlayDir: string
  /** Removes both, except leases that a kept overlay needs. Idempotent, never throws for what is gone already. */
  removeSync(): void
  /** Tells other machines and containers that this run lives. Happens by itself every 10 minutes. */
  touch(): void
}

/**
 * Makes the directories of a new run.
 *
 * @param beatMs how often other machines are told that this run lives. Default 10 minutes.
 * @throws VmImageError CACHE_UNSAFE or CACHE_UNWRITABLE when they cannot be made.
 */
export async function openRunDirectory(context: Context, beatMs = heartbeatMs): Promise<RunDirectory> {
  ensureOverlayDirectories(context.overlayDir)
  warnOfTmpfs(context)
  const owner = newOwner()
  const overlayDir = makeOverlayDirectory(context.overlayDir, owner)
  const leaseDir = leaseDirectoryOr(() => removeRun(overlayDir), context, owner)
  const touch = () => [overlayDir, leaseDir].forEach(touchDirectory)
  const heartbeat = setInterval(touch, beatMs).unref()
  const removeSync = () => {
    clearInterval(heartbeat)
    removeRun(overlayDir)
    if (leaseDir !== undefined && !isKept(leaseDir)) removeRun(leaseDir)
  }
  return {
    leaseDir,
    overlayDir,
    removeSync,
    touch,
    [Symbol.asyncDispose]: () => Promise.resolve(removeSync()),
  }
}

/**
 * Removes what dead runs left behind: overlays, and leases that no kept overlay needs. Names that are not an
 * owner's are not ours and stay, and so does what this user may not read or remove.
 *
 * @returns the directories removed.
 */
export function sweepDeadRuns(context: Context): readonly string[] {
  const now = context.now()
  const leases = deadRunsIn(cacheLayout(context.cacheDir).runs, now).filter((directory) => !isKept(directory))
  return [...deadRunsIn(overlayRuns(context.overlayDir), now), ...leases].filter(removeRun)
}

/**
 * Renamed first: from then on no worker that still runs can put another file into it while it is being emptied, and
 * of several sweepers one has it. The new name is a dead owner's, so that what cannot be removed now is swept at the
 * next start. False when it is not removed, which is no reason to fail a run.
 */
export function removeRun(directory: string): boolean {
  const grave = join(dirname(directory), nobody())
  try {
    renameSync(directory, grave)
    removeTree(grave)
    return true
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return false
  }
}

/** TMPFS_MAGIC of statfs(2). */
const tmpfs = 0x01021994

export function isTmpfs(directory: string): boolean {
  return statfsSync(directory).type === tmpfs
}

/** Overlays in memory are fine for who asks for them, and a trap for who does not: a guest can write gigabytes. */
function warnOfTmpfs({ overlayDir, report }: Context): void {
  if (overlayDir !== defaultOverlayDir() || !isTmpfs(overlayDir)) return
  report({
    type: 'warning',
    message: `${overlayDir} is a tmpfs, so what guests write takes memory. Set VMIMAGE_OVERLAY_DIR to a directory on a disk.`,
  })
}

/** Not recursive, so that it fails where a directory of that name exists. */
function makeOverlayDirectory(overlayDir: string, owner: string): string {
  const directory = join(overlayRuns(overlayDir), owner)
  try {
    mkdirSync(directory, { mode: 0o700 })
    return directory
  } catch (error) {
    throw unwritable(directory, error)
  }
}

/** Undoes what was made before it when there can be no leases. */
function leaseDirectoryOr(undo: () => void, context: Context, owner: string): string | undefined {
  try {
    return makeLeaseDirectory(context, owner)
  } catch (error) {
    undo()
    throw error
  }
}

/**
 * A read-only cache that is warm (root's, in the image of a machine or container) serves without leases: nobody can
 * evict from it either.
 */
function makeLeaseDirectory({ cacheDir, shared }: Context, owner: string): string | undefined {
  const layout = cacheLayout(cacheDir, shared)
  const directory = leaseDirectory(layout, owner)
  try {
    ensureLeases(layout)
    makeDirectory(layout, directory)
    return directory
  } catch (error) {
    const cause = error instanceof VmImageError ? error.cause : error
    const isReadOnly = ['EROFS', 'EACCES'].includes(systemErrorCode(cause) ?? '')
    if (isReadOnly && existsSync(layout.images)) return undefined
    throw error instanceof VmImageError ? error : unwritable(directory, error)
  }
}

function deadRunsIn(parent: string, now: number): readonly string[] {
  try {
    return namesIn(parent)
      .filter((name) => isDeadRun(join(parent, name), parseOwner(name), now))
      .map((name) => join(parent, name))
  } catch (error) {
    // Not ours to read, so not ours to sweep.
    if (systemErrorCode(error) === undefined) throw error
    return []
  }
}

/** Whether a run has ended, or is silent for so long that it has to be taken for that. */
export function isDeadRun(directory: string, owner: Owner | undefined, now: number): boolean {
  const verdict = owner === undefined ? 'alive' : judge(owner)
  return verdict === 'dead' || (verdict === 'unknown' && isSilent(directory, now))
}

function isSilent(directory: string, now: number): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false })
  return stat !== undefined && now - stat.mtimeMs > silentMs
}

function touchDirectory(directory: string | undefined): void {
  if (directory === undefined) return
  const now = new Date()
  try {
    utimesSync(directory, now, now)
  } catch (error) {
    // Removed under us, or read-only: there is nothing left to keep alive.
    if (systemErrorCode(error) === undefined) throw error
  }
}
