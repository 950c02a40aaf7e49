/**
 * The disk is full: how that shows, and what is said about it.
 */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemErrorCode, VmImageError } from './errors.js'
import { sizeText } from './progress-text.js'

/** What people can do who have no room. */
export const roomCure =
  'Free some space ("vmimage prune" removes images that nothing uses), or set VMIMAGE_CACHE_DIR to a directory on a larger disk.'

/** True for a write that failed because the disk, or the user's quota on it, has no room left. */
export function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** The NO_SPACE error for a file that was being written; `neededBytes` is undefined when nobody knows its size. */
export function diskFullError(path: string, neededBytes: number | undefined, cause: unknown): VmImageError {
  const need = neededBytes === undefined ? 'it needs more' : `it needs ${sizeText(neededBytes)} more`
  const quota = systemErrorCode(cause) === 'EDQUOT' ? ', of which your quota gives you no more' : ''
  return new VmImageError(
    'NO_SPACE',
    `Cannot write "${path}": the disk has ${sizeText(freeBytes(path))} left${quota}, and ${need}.\n${roomCure}`,
    { cause },
  )
}

export function isNoSpace(error: unknown): error is VmImageError {
  return error instanceof VmImageError && error.code === 'NO_SPACE'
}

/** What users other than root can still write on the disk of a path, which need not exist yet. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '') || dirname(path) === path) throw error
    return freeBytes(dirname(path))
  }
}
