/**
 * healImage: what to do with a cached image whose stamp is not the one that was published. Either it was copied or
 * restored by something that keeps times less exactly (a CI cache), or somebody wrote to it: its bytes decide.
 */
import type { Context } from '../context.js'
import { parseDigest } from '../digest.js'
import { systemErrorCode } from '../errors.js'
import { hashFile } from './hash-file.js'
import type { CacheLayout } from '../store/layout.js'
import { isUnchanged, stampOf } from '../store/stamp.js'
import { discardIfStill, findImage, renewStamp, type StoredImage } from '../store/store.js'

/**
 * Hashes the image, if it is there and its stamp does not fit: renews the stamp of the right bytes, throws wrong ones
 * away with a warning.
 *
 * @returns whether the image can be leased now.
 */
export async function healImage(layout: CacheLayout, key: string, context: Context): Promise<boolean> {
  const stored = findImage(layout, key)
  if (stored === undefined) return false
  const { content } = stored.meta
  if (isUnchanged(stored.path, content)) return true
  const stamp = stampOf(stored.path)
  try {
    if (stamp?.sizeBytes === content.sizeBytes && (await isRight(stored, context.signal))) {
      renewStamp(layout, stored, stamp)
      return true
    }
    // While it was hashed another process may have thrown it away and published a good one.
    if (!discardIfStill(layout, key, stamp)) return isGood(layout, key)
  } catch (error) {
    // A cache that cannot be written can be neither healed nor cleared.
    if (!['EROFS', 'EACCES', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error
  }
  context.report({
    type: 'warning',
    message: `${stored.path} is not the file that was verified any more; it is not used. Who writes to the cache?`,
  })
  return false
}

function isGood(layout: CacheLayout, key: string): boolean {
  const stored = findImage(layout, key)
  return stored !== undefined && isUnchanged(stored.path, stored.meta.content)
}

async function isRight({ path, meta }: StoredImage, signal: AbortSignal): Promise<boolean> {
  const expected = parseDigest(meta.content.sha256 ? `sha256:${meta.content.sha256}` : meta.source.digest)
  return (await hashFile(path, expected.algorithm, signal)) === expected.hex
}
