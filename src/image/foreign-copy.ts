/** A download that is not needed: the same file in the cache of another tool, found by its name and told by its digest. */
import { constants } from 'node:fs'
import { access, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { systemErrorCode } from '../errors.js'
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
      if (!(await tryCopy(file.path, target, signal))) continue
      if ((await hashFile(target, digest.algorithm, signal)) === digest.hex) return target
      report({ type: 'warning', message: `${file.path} is not used: it is not ${formatDigest(digest)}.` })
    }
  }
  await rm(target, { force: true })
  return undefined
}

/** What cannot be read is of no use, and is downloaded; a target that cannot be written is no fault of it. */
async function tryCopy(source: string, target: string, signal: AbortSignal): Promise<boolean> {
  try {
    await access(source, constants.R_OK)
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return false
  }
  await cloneOrCopy(source, target, signal)
  return true
}
