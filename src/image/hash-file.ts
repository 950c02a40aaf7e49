/** The digest of a local file, streamed. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { DigestAlgorithm } from '../digest.js'

/** Reads all of the file (about a second for 1 GiB of sha256) and returns lower-case hex. */
export async function hashFile(
  path: string,
  algorithm: DigestAlgorithm,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, signal })) hash.update(chunk)
  return hash.digest('hex')
}
