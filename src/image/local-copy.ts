/** A packed file of the user's own on its way into the store: a copy that nobody else can write is what is unpacked. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../digest.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { cloneOrCopy } from '../store/clone.js'
import { hashFile } from './hash-file.js'
import { realFile } from './local-file.js'

/**
 * Copies the file at `path` into `directory`. Between the moment that it was hashed and this one it may have been replaced,
 * so the copy is held against that digest, under which it will be published.
 *
 * @returns the path of the copy.
 * @throws VmImageError DIGEST_MISMATCH when it is another file by now, FILE_NOT_FOUND when it is gone; the system's error
 *   when the copy cannot be written.
 */
export async function copyLocal(
  directory: string,
  path: string,
  { algorithm, hex }: Digest,
  signal: AbortSignal,
): Promise<string> {
  const copy = join(directory, 'copy')
  rmSync(copy, { force: true })
  try {
    await cloneOrCopy(path, copy, signal)
  } catch (error) {
    // Says that it is gone, if that is why.
    if (systemErrorCode(error) === 'ENOENT') realFile(path)
    throw error
  }
  const found = await hashFile(copy, algorithm, signal)
  if (found === hex) return copy
  throw new VmImageError(
    'DIGEST_MISMATCH',
    `Cannot use image file "${path}": it has changed while it was read, its ${algorithm} was ${hex} and is ${found} now.\n` +
      'Run again when whoever writes to it has ended; replace it by a rename, so that nobody reads half of it.',
  )
}
