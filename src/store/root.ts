/**
 * The directories of the cache: made on the first write, private to the user, and refused when somebody else could
 * have prepared them.
 */
import { existsSync, lstatSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { namesIn } from './directory.js'
import { type CacheLayout, keptDirectory, overlayRuns } from './layout.js'
import { makeDirectory, shareDirectory } from './make-directory.js'
import { whenReadable } from './readable.js'

/** The text that marks a cache directory; see https://bford.info/cachedir/ (Cache Directory Tagging, seen 2026-11). */
const tag =
  'Signature: 8a477f597d28d172789f06886806bc55\n' +
  '# Base images of virtual machines, kept by vmimage. They can be fetched again.\n'

/**
 * Makes the cache's directories. Idempotent. A cache that root filled for others to read passes: who cannot write
 * to it finds that out at the first write. Those of a shared cache may belong to any user who put them into a group of
 * ours.
 *
 * @throws VmImageError CACHE_UNSAFE when a directory is a link, belongs to another user, or can be written by others,
 * CACHE_UNWRITABLE when it cannot be made, NO_SPACE when the disk has no room for it.
 */
export function ensureCache(layout: CacheLayout): void {
  const { isShared, cacheDir, versionDir, images, ingest, locks, runs, resolved, keys, trash } = layout
  ensureTop(layout)
  if (!existsSync(versionDir)) writeTag(cacheDir)
  for (const directory of [versionDir, images, ingest, locks, runs, resolved, keys, trash]) {
    ensureOwn(directory, isShared)
  }
  // Those that were published before the cache was the group's.
  if (isShared) for (const key of namesIn(images)) whenReadable(() => shareDirectory(join(images, key)))
}

/**
 * As much of {@link ensureCache} as a lease needs, which is every test's path: what nobody could have put there for us to
 * read, and where the lease goes. A cache that is not there yet is made whole.
 */
export function ensureLeases(layout: CacheLayout): void {
  const { isShared, versionDir, images, runs, resolved } = layout
  if (!existsSync(versionDir)) return ensureCache(layout)
  ensureTop(layout)
  for (const directory of [versionDir, images, runs, resolved]) ensureOwn(directory, isShared)
}

/** Its place is the user's choice, and may be a link. */
function ensureTop({ cacheDir, isShared }: CacheLayout): void {
  const found = statSync(cacheDir, { throwIfNoEntry: false })
  // What is no directory makes it fail, and says so; one of a group may have to be opened to it.
  if (!found?.isDirectory() || isShared) make(cacheDir, isShared)
  refuseStrangers(cacheDir, statSync(cacheDir), isShared)
}

function ensureOwn(directory: string, isShared: boolean): void {
  const stat = ensureDirectory(directory, isShared)
  refuseLink(directory, stat)
  refuseStrangers(directory, stat, isShared)
}

/** {@link refuseOthers}, for a cache that may be a group's. */
function refuseStrangers(directory: string, stat: Stats, isShared: boolean): void {
  const friend = isShared && isOfOurGroup(stat) ? stat.uid : undefined
  if (!isOfAnother(stat, friend) && !isOpenToAll(stat)) return
  const instead = isShared
    ? `have it put into a group of yours: chgrp -R GROUP "${directory}" && chmod -R g+rwX "${directory}"; or ${elsewhere}`
    : `set VMIMAGE_SHARED=1 (the option shared) if it is a group's; or ${elsewhere}`
  refuseOthers(directory, stat, instead, friend)
}

function isOfOurGroup({ gid, mode }: Stats): boolean {
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])]
  return groups.includes(gid) && (mode & 0o020) !== 0
}

/** Makes the directories that hold overlays. Idempotent; throws like {@link ensureCache}. */
export function ensureOverlayDirectories(overlayDir: string): void {
  for (const directory of [overlayDir, overlayRuns(overlayDir), keptDirectory(overlayDir)]) makeOwn(directory)
}

/**
 * The same, and nothing is made: what is believed of a directory is nobody else's word. The default one can be made by
 * anybody before its user does.
 *
 * @throws VmImageError CACHE_UNSAFE.
 */
export function refuseForeignOverlays(overlayDir: string): void {
  for (const directory of [overlayDir, overlayRuns(overlayDir), keptDirectory(overlayDir)]) {
    const stat = lstatSync(directory, { throwIfNoEntry: false })
    if (stat === undefined) continue
    refuseLink(directory, stat)
    refuseOthers(directory, stat)
  }
}

/** Whether it is a real directory that only this user (or root) can have filled. */
export function isOwnDirectory(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false })
  return stat?.isDirectory() === true && !isOfAnother(stat) && !isOpenToAll(stat)
}

function makeOwn(directory: string): void {
  const stat = ensureDirectory(directory)
  refuseLink(directory, stat)
  refuseOthers(directory, stat)
}

/** Looked at before it is made: it is there but for the first time, and every run asks for all of them. */
function ensureDirectory(directory: string, isShared = false): Stats {
  const found = lstatSync(directory, { throwIfNoEntry: false })
  // What is no directory makes it fail, and says so; one of a group may have to be opened to it.
  if (found && !found.isFile() && !isShared) return found
  make(directory, isShared)
  return lstatSync(directory)
}

function make(directory: string, isShared = false): void {
  try {
    makeDirectory({ isShared }, directory)
  } catch (error) {
    throw unwritable(directory, error)
  }
}

const elsewhere = 'set VMIMAGE_CACHE_DIR and VMIMAGE_OVERLAY_DIR to directories of your own'

/**
 * Somebody who can write the parent could point a link anywhere; our own entries are always real directories.
 *
 * @param instead what else the user can do, for the message.
 * @throws VmImageError CACHE_UNSAFE
 */
export function refuseLink(directory: string, stat: Stats, instead = elsewhere): void {
  if (stat.isDirectory()) return
  throw new VmImageError(
    'CACHE_UNSAFE',
    `Cannot use directory "${directory}": it is a symbolic link, and a real directory is wanted.\n` +
      `Remove the link; or ${instead}.`,
  )
}

/**
 * Whoever can write to a directory can put another image into it. Root always can, and is trusted for that.
 *
 * @param instead what else the user can do, for the message.
 * @param friend the id of one more user whose directories are good.
 * @throws VmImageError CACHE_UNSAFE
 */
export function refuseOthers(directory: string, stat: Stats, instead = elsewhere, friend?: number): void {
  if (isOfAnother(stat, friend)) {
    const me = process.getuid?.()
    throw new VmImageError(
      'CACHE_UNSAFE',
      `Cannot use directory "${directory}": it belongs to user ${stat.uid}, and this is user ${me}.\n` +
        `If its content is to be trusted, run: chown -R ${me} "${directory}"; if not, ${instead}.`,
    )
  }
  if (!isOpenToAll(stat)) return
  throw new VmImageError(
    'CACHE_UNSAFE',
    `Cannot use directory "${directory}": everybody can write to it (mode ${(stat.mode & 0o7777).toString(8)}).\n` +
      `Run: chmod o-w "${directory}"; or ${instead}.`,
  )
}

/** Whether it belongs to neither this user nor root, nor the friend. */
export function isOfAnother({ uid }: Stats, friend?: number): boolean {
  // Windows has no owners of this kind.
  return process.getuid !== undefined && uid !== 0 && uid !== friend && uid !== process.getuid()
}

/**
 * A group is somebody's choice (umask 002 is the default of several distributions); in a sticky directory nobody can
 * move what is ours.
 */
export function isOpenToAll({ mode }: Stats): boolean {
  // Windows has no modes of this kind.
  return process.getuid !== undefined && (mode & 0o002) !== 0 && (mode & 0o1000) === 0
}

function writeTag(cacheDir: string): void {
  try {
    writeFileSync(join(cacheDir, 'CACHEDIR.TAG'), tag, { flag: 'wx' })
  } catch (error) {
    // A full disk leaves an empty file, which would be no tag and keep the next one away.
    if (isDiskFull(error)) rmSync(join(cacheDir, 'CACHEDIR.TAG'), { force: true })
    // EEXIST: it is there already. A read-only cache shows at the next step that needs to write.
    if (systemErrorCode(error) === undefined) throw error
  }
}

/** The error for a directory that cannot be made. */
export function unwritable(directory: string, cause: unknown): VmImageError {
  if (isDiskFull(cause)) return diskFullError(directory, undefined, cause)
  return new VmImageError(
    'CACHE_UNWRITABLE',
    `Cannot create directory "${directory}": ${systemErrorCode(cause) ?? String(cause)}.\n` +
      'Make its parent writable, or set VMIMAGE_CACHE_DIR (base images) and VMIMAGE_OVERLAY_DIR (overlays).',
    { cause },
  )
}
