/** Directories of the cache: private to their user, or of a group when the cache is shared. */
import { chmodSync, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemErrorCode } from '../errors.js'
import type { CacheLayout } from './layout.js'

/** Whatever umask says. New entries inherit the group. */
export const sharedMode = 0o2775
/** What a directory must have; whether others may look into it is the choice of who made it. */
const neededMode = 0o2070

/** Makes a directory of the cache, with its parents; idempotent. The system's error when it cannot be made. */
export function makeDirectory({ isShared }: Pick<CacheLayout, 'isShared'>, path: string): void {
  mkdirPrivate(path)
  if (isShared) shareDirectory(path)
}

/**
 * Not with `recursive`: that says ENOENT of a file system that is read-only, and never ends below a directory like /proc,
 * which exists and where nothing can be made (Node 20.20 and 24.21).
 */
function mkdirPrivate(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'EEXIST' && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    mkdirPrivate(dirname(path))
    mkdirPrivate(path)
  }
}

/** Opens a directory to its group, if it is ours: that of another member is their business, and so is what a link leads to. */
export function shareDirectory(path: string): void {
  const stat = lstatSync(path)
  const isOurs = stat.isDirectory() && stat.uid === process.getuid?.()
  if (isOurs && (stat.mode & neededMode) !== neededMode) chmodSync(path, sharedMode)
}
