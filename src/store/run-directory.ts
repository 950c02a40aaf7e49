/**
 * The two directories of one run, both named by its owner: leases in the cache (hard links need its file system),
 * overlays in the overlay directory. Removing them is all that has to happen at the end, so it is synchronous and
 * can be done from a signal handler; after kill -9 the next start does it.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Context, defaultOverlayDir } from '../context.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { namesIn } from './directory.js'
import { cacheLayout, leaseDirectory, overlayRuns } from './layout.js'
import { isKept } from './lease.js'
import { isProvablyDead, newOwner, nobody, parseOwner } from './owner.js'
import { ensureCache, ensureOverlayDirectories } from './root.js'
import { openScratch } from './scratch.js'

/** An owner that cannot be judged from here (another machine, another container) is dead when silent for a day. */
const silentMs = 24 * 3_600_000

export interface RunDirectory extends AsyncDisposable {
  readonly owner: string
  /** Holds the hard links of the bases in use; undefined when the cache is read-only. */
  readonly leaseDir: string | undefined
  readonly overlayDir: string
  /** Removes both, except leases that a kept overlay needs. Idempotent, never throws for what is gone already. */
  removeSync(): void
  /** Tells other machines and containers that this run lives. To be called every few minutes. */
  touch(): void
}

/**
 * Makes the directories of a new run.
 *
 * @throws VmImageError CACHE_UNSAFE or CACHE_UNWRITABLE when they cannot be made.
 */
export async function openRunDirectory(context: Context): Promise<RunDirectory> {
  ensureOverlayDirectories(context.overlayDir)
  warnOfTmpfs(context)
  const owner = newOwner()
  const overlays = await openScratch(overlayRuns(context.overlayDir), owner)
  const leaseDir = makeLeaseDirectory(context.cacheDir, owner)
  const removeSync = () => {
    removeRun(overlays.path)
    if (leaseDir !== undefined && !isKept(leaseDir)) removeRun(leaseDir)
  }
  return {
    owner,
    leaseDir,
    overlayDir: overlays.path,
    removeSync,
    touch: () => [overlays.path, leaseDir].forEach(touchDirectory),
    [Symbol.asyncDispose]: () => Promise.resolve(removeSync()),
  }
}

/**
 * Removes what dead runs left behind: overlays, and leases that no kept overlay needs. Names that are not an
 * owner's are not ours and stay.
 *
 * @returns the directories removed.
 */
export function sweepDeadRuns(context: Context): readonly string[] {
  const now = context.now()
  const leases = deadRunsIn(cacheLayout(context.cacheDir).runs, now).filter((directory) => !isKept(directory))
  const dead = [...deadRunsIn(overlayRuns(context.overlayDir), now), ...leases]
  return dead.filter((directory) => {
    try {
      rmSync(directory, { recursive: true, force: true })
      return true
    } catch (error) {
      // A read-only cache cannot be swept, and somebody else's leftovers are no reason to fail this run.
      if (systemErrorCode(error) === undefined) throw error
      return false
    }
  })
}

/**
 * Renamed first: from then on no worker that still runs can put another file into it while it is being emptied. The
 * new name is a dead owner's, so that what cannot be removed now is swept at the next start.
 */
function removeRun(directory: string): void {
  const grave = join(dirname(directory), nobody())
  try {
    renameSync(directory, grave)
    rmSync(grave, { recursive: true, force: true })
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
  }
}

/** TMPFS_MAGIC of statfs(2). */
const tmpfs = 0x01021994

/** Overlays in memory are fine for who asks for them, and a trap for who does not: a guest can write gigabytes. */
function warnOfTmpfs({ overlayDir, report }: Context): void {
  if (overlayDir !== defaultOverlayDir() || statfsSync(overlayDir).type !== tmpfs) return
  report({
    type: 'warning',
    message: `${overlayDir} is a tmpfs, so what guests write takes memory. Set VMIMAGE_OVERLAY_DIR to a directory on a disk.`,
  })
}

/** A read-only cache that is warm serves without leases: nobody can evict from it either. */
function makeLeaseDirectory(cacheDir: string, owner: string): string | undefined {
  const layout = cacheLayout(cacheDir)
  const directory = leaseDirectory(layout, owner)
  try {
    ensureCache(layout)
    mkdirSync(directory, { mode: 0o700 })
    return directory
  } catch (error) {
    const readOnly = ['EROFS', 'EACCES'].includes(systemErrorCode(error) ?? '')
    if (readOnly && existsSync(layout.images)) return undefined
    if (error instanceof VmImageError || !readOnly) throw error
    throw new VmImageError(
      'CACHE_UNWRITABLE',
      `Cannot write the cache "${cacheDir}": it is read-only, and it holds no images yet.\n` +
        'Make it writable, or set VMIMAGE_CACHE_DIR to a directory that is.',
      { cause: error },
    )
  }
}

function deadRunsIn(parent: string, now: number): readonly string[] {
  return namesIn(parent)
    .filter((name) => {
      const owner = parseOwner(name)
      return owner !== undefined && (isProvablyDead(owner) || isSilent(join(parent, name), now))
    })
    .map((name) => join(parent, name))
}

function isSilent(directory: string, now: number): boolean {
  try {
    return now - statSync(directory).mtimeMs > silentMs
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false
    throw error
  }
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
