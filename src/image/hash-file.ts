/** The digest of a local file, streamed. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { DigestAlgorithm } from '../digest.js'

/**
 * Reads all of the file (about a second for 1 GiB of sha256) and returns lower-case hex.
 *
 * @param onRead told after each piece how many bytes are read by now. Default: nobody.
 */
export async function hashFile(
  path: string,
  algorithm: DigestAlgorithm,
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
): Promise<string> {
  const hash = createHash(algorithm)
  const stream = createReadStream(path, { highWaterMark: 2 ** 20, signal })
  for await (const chunk of stream) {
    hash.update(chunk)
    onRead?.(stream.bytesRead)
  }
  return hash.digest('hex')
}
