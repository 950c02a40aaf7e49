/** Directories of the cache: private to their user, or of a group when the cache is shared. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
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

/** Not at once with `recursive`: it says ENOENT of a file system that is read-only (Node 20.20 and 24.21). */
function mkdirPrivate(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (!['EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }
}

/** Opens a directory to its group, if it is ours: that of another member is their business, and so is what a link leads to. */
function shareDirectory(path: string): void {
  const stat = lstatSync(path)
  const isOurs = stat.isDirectory() && stat.uid === process.getuid?.()
  if (isOurs && (stat.mode & neededMode) !== neededMode) chmodSync(path, sharedMode)
}
