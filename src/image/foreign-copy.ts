/** A download that is not needed: the same file in the cache of another tool, found by its name and told by its digest. */
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { findAvocadoFiles } from '../store/avocado.js'
import { cloneOrCopy } from '../store/clone.js'
import { checkLayer } from '../store/layer.js'
import { hashFile } from './hash-file.js'
import type { Source } from './source.js'

/**
 * Copies the file that a source names out of one of the extra caches into `directory`, if one has it.
 *
 * @returns the path of the copy, whose digest is the source's.
 * @throws VmImageError INVALID_CONFIG, CACHE_UNSAFE for a cache that is not to be used.
 */
export async function copyForeign(
  directory: string,
  { urls, url, digest, sizeBytes }: Source,
  { extraCacheDirs, signal, report }: Context,
): Promise<string | undefined> {
  if (digest === undefined) return undefined
  const target = join(directory, 'copy')
  for (const layer of extraCacheDirs) {
    checkLayer(layer)
    for (const file of findAvocadoFiles(layer, urls, basename(new URL(url).pathname))) {
      if (sizeBytes !== undefined && file.sizeBytes !== sizeBytes) continue
      await rm(target, { force: true })
      await cloneOrCopy(file.path, target, signal)
      if ((await hashFile(target, digest.algorithm, signal)) === digest.hex) return target
      report({ type: 'warning', message: `${file.path} is not used: it is not ${formatDigest(digest)}.` })
    }
  }
  await rm(target, { force: true })
  return undefined
}
