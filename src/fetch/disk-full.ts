/**
 * The disk is full: what is said about it.
 */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { VmImageError } from '../errors.js'

/** The NO_SPACE error for a file that was being written; `neededBytes` is undefined when nobody knows its size. */
export async function diskFullError(
  path: string,
  neededBytes: number | undefined,
  cause: unknown,
): Promise<VmImageError> {
  const { bavail, bsize } = await statfs(dirname(path))
  const need = neededBytes === undefined ? 'it needs more' : `it needs ${neededBytes} bytes`
  return new VmImageError(
    'NO_SPACE',
    `Cannot write "${path}": the disk has ${bavail * bsize} bytes left without it, and ${need}.\n` +
      'Free some space, or set VMIMAGE_CACHE_DIR to a directory on a larger disk.',
    { cause },
  )
}
