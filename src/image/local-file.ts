/** A file of the user's own: found behind links, and compared with the checksum that was asked for. */
import { realpathSync } from 'node:fs'
import type { Digest } from '../digest.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { hashFile } from './hash-file.js'

/**
 * The file itself.
 *
 * @throws VmImageError FILE_NOT_FOUND.
 */
export function realFile(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw new VmImageError(
      'FILE_NOT_FOUND',
      `Cannot use image file "${path}": ${found(error)}.\n` +
        'Check the path; relative paths start at the current directory.',
      { cause: error },
    )
  }
}

/**
 * The digest of the file at `path`, by the algorithm of the one that is expected (default sha256).
 *
 * @throws VmImageError DIGEST_MISMATCH when it is not the one that was asked for.
 */
export async function verifyFile(
  path: string,
  expected: Digest | undefined,
  signal: AbortSignal,
): Promise<Digest> {
  const algorithm = expected?.algorithm ?? 'sha256'
  const hex = await hashFile(path, algorithm, signal)
  if (expected === undefined || expected.hex === hex) return { algorithm, hex }
  throw new VmImageError(
    'DIGEST_MISMATCH',
    `Cannot use image file "${path}": its ${algorithm} is ${hex}, and ${expected.hex} was asked for.\n` +
      'Correct the checksum, or get the file again.',
  )
}

function found(error: unknown): string {
  const code = systemErrorCode(error)
  return code === 'ENOENT' ? 'it does not exist' : (code ?? String(error))
}
