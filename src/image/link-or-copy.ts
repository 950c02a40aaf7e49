/** linkOrCopy: a second name for a file that nobody writes to any more; a copy where the file system has no links. */
import { constants, copyFileSync, linkSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'

const noLinks = new Set(['EPERM', 'EXDEV', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Does nothing where there is a file at `target` already, which is then taken for what was put there before. */
export function linkOrCopy(path: string, target: string): void {
  try {
    linkOrCopyNew(path, target)
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error
  }
}

/** Whether a link failed because this file system gives none, or not of that file. */
export function isWithoutLinks(error: unknown): boolean {
  return noLinks.has(systemErrorCode(error) ?? '')
}

/** @throws the system's error: EEXIST when there is a file at `target`. */
export function linkOrCopyNew(path: string, target: string): void {
  try {
    linkSync(path, target)
  } catch (error) {
    if (!isWithoutLinks(error)) throw error
    copyFileSync(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  }
}
