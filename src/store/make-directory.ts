/** Directories of the cache: private to their user, or of a group when the cache is shared. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import type { CacheLayout } from './layout.js'

/** Whatever umask says. New entries inherit the group. */
export const sharedMode = 0o2775

/** Makes a directory of the cache, with its parents; idempotent. The system's error when it cannot be made. */
export function makeDirectory({ isShared }: Pick<CacheLayout, 'isShared'>, path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (isShared) shareDirectory(path)
}

/** Opens a directory to its group, if it is ours; that of another member is their business. */
export function shareDirectory(path: string): void {
  const { uid, mode } = lstatSync(path)
  if (uid === process.getuid?.() && (mode & sharedMode) !== sharedMode) chmodSync(path, sharedMode)
}
