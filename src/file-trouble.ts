/** What keeps this user from a file that he has named, said so that he can do something about it. */
import { systemErrorCode, VmImageError } from './errors.js'

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'it belongs to somebody else, or a mode keeps you out (EACCES)',
  EPERM: 'the system does not permit it (EPERM)',
  EROFS: 'its file system is read-only (EROFS)',
  ENOENT: 'there is no such directory, or nothing can be made in it (ENOENT)',
  ENOTDIR: 'a file is where a directory is wanted (ENOTDIR)',
  ELOOP: 'it is a symbolic link (ELOOP)',
  EISDIR: 'it is a directory (EISDIR)',
  ENAMETOOLONG: 'a name in it is too long (ENAMETOOLONG)',
  EMFILE: 'this process has too many files open (EMFILE)',
  EIO: 'its disk does not work (EIO)',
}

/** The error of a file that cannot be read; anything that is no error of the system comes back as it is. */
export function unreadable(action: string, path: string, cause: unknown): unknown {
  const found = reasonOf(cause)
  if (found === undefined) return cause
  return new VmImageError(
    'FILE_UNREADABLE',
    `Cannot ${action} "${path}": ${found}.\nRun it as the file's owner, or have the file made readable for you.`,
    { cause },
  )
}

/** The same of a file that cannot be written there. A full disk is disk-full.ts's part. */
export function unwritable(
  action: string,
  path: string,
  cause: unknown,
  cure = 'Name a file in a directory that is there and that you may write to.',
): unknown {
  const found = reasonOf(cause)
  if (found === undefined) return cause
  return new VmImageError('FILE_UNWRITABLE', `Cannot ${action} "${path}": ${found}.\n${cure}`, { cause })
}

function reasonOf(error: unknown): string | undefined {
  const code = systemErrorCode(error)
  // Node's own complaints of arguments have codes too: ERR_...
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return undefined
  return reasons[code] ?? `the system says ${code}`
}
