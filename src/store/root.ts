/**
 * The directories of the cache: made on the first write, private to the user, and refused when somebody else could
 * have prepared them.
 */
import { lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode, VmImageError } from '../errors.js'
import { type CacheLayout, keptDirectory, overlayRuns } from './layout.js'

/** The text that marks a cache directory; see https://bford.info/cachedir/ (Cache Directory Tagging, seen 2026-11). */
const tag =
  'Signature: 8a477f597d28d172789f06886806bc55\n' +
  '# Base images of virtual machines, kept by vmimage. They can be fetched again.\n'

/**
 * Makes the cache's directories. Idempotent.
 *
 * @throws VmImageError CACHE_UNSAFE when a directory is a link or belongs to another user,
 * CACHE_UNWRITABLE when it cannot be made.
 */
export function ensureCache(layout: CacheLayout): void {
  makePrivate(layout.cacheDir)
  writeTag(layout.cacheDir)
  for (const directory of [
    layout.versionDir,
    layout.images,
    layout.ingest,
    layout.locks,
    layout.runs,
    layout.resolved,
    layout.trash,
  ]) {
    makePrivate(directory)
    refuseLink(directory)
  }
}

/** Makes the directories that hold overlays. Idempotent; throws like {@link ensureCache}. */
export function ensureOverlayDirectories(overlayDir: string): void {
  for (const directory of [overlayDir, overlayRuns(overlayDir), keptDirectory(overlayDir)]) {
    makePrivate(directory)
    refuseLink(directory)
  }
}

function makePrivate(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unwritable(directory, error)
  }
  const { uid } = statSync(directory)
  const me = process.getuid?.() ?? uid
  if (uid === me || me === 0) return
  throw new VmImageError(
    'CACHE_UNSAFE',
    `Cannot use directory "${directory}": it belongs to user ${uid}, and this is user ${me}.\n` +
      'Remove it, or set VMIMAGE_CACHE_DIR and VMIMAGE_OVERLAY_DIR to directories of your own.',
  )
}

/** Somebody who can write the parent could point a link anywhere; our own entries are always real directories. */
function refuseLink(directory: string): void {
  if (lstatSync(directory).isDirectory()) return
  throw new VmImageError(
    'CACHE_UNSAFE',
    `Cannot use directory "${directory}": it is a symbolic link, and a real directory is wanted.\n` +
      'Remove the link; to keep images elsewhere, set VMIMAGE_CACHE_DIR or VMIMAGE_OVERLAY_DIR to that place.',
  )
}

function writeTag(cacheDir: string): void {
  try {
    writeFileSync(join(cacheDir, 'CACHEDIR.TAG'), tag, { flag: 'wx' })
  } catch (error) {
    // EEXIST: it is there already. A read-only cache shows at the next step that needs to write.
    if (systemErrorCode(error) === undefined) throw error
  }
}

function unwritable(directory: string, cause: unknown): VmImageError {
  return new VmImageError(
    'CACHE_UNWRITABLE',
    `Cannot create directory "${directory}": ${systemErrorCode(cause) ?? String(cause)}.\n` +
      'Make its parent writable, or set VMIMAGE_CACHE_DIR (base images) and VMIMAGE_OVERLAY_DIR (overlays).',
    { cause },
  )
}
