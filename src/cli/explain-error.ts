/** Errors of the system that reach the top: said as our own are, because a stack trace tells nobody what to do. */
import { diskFullError, isDiskFull } from '../disk-full.js'
import { systemErrorCode, VmImageError } from '../errors.js'

/** The error itself, or the one that people can do something about: what this user may not read, or is no directory. */
export function explainError(error: unknown): unknown {
  const path = pathOf(error)
  if (path === undefined) return error
  if (isDiskFull(error)) return diskFullError(path, undefined, error)
  const explained = causes[systemErrorCode(error) ?? '']
  if (explained === undefined) return error
  const [code, found, cure] = explained
  return new VmImageError(code, `Cannot use "${path}": ${found}.\n${cure}`, { cause: error })
}

const elsewhere = 'set VMIMAGE_CACHE_DIR and VMIMAGE_OVERLAY_DIR to directories of your own'
const keptOut = [
  'CACHE_UNREADABLE',
  'it belongs to somebody else, or its mode keeps you out (EACCES)',
  `Run the command as its owner; have it made readable, chmod -R a+rX; set VMIMAGE_SHARED=1 if it is a group's; or ${elsewhere}.`,
] as const
const readOnly = [
  'CACHE_UNWRITABLE',
  'its file system is read-only (EROFS)',
  `Mount it for writing, or ${elsewhere}.`,
] as const
const noDirectory = [
  'INVALID_CONFIG',
  'a file is where a directory is wanted (ENOTDIR)',
  `Remove the file, or ${elsewhere}.`,
] as const

const causes: Readonly<Record<string, typeof keptOut | typeof readOnly | typeof noDirectory>> = {
  EACCES: keptOut,
  EPERM: keptOut,
  EROFS: readOnly,
  ENOTDIR: noDirectory,
}

function pathOf(error: unknown): string | undefined {
  const hasPath = typeof error === 'object' && error !== null && 'path' in error
  return hasPath && typeof error.path === 'string' ? error.path : undefined
}
