/** Writing to a cache that takes nothing: read-only, somebody else's, or full. What the system says becomes an error with a cure. */
import { sep } from 'node:path'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import type { CacheLayout } from './layout.js'

/**
 * Does what changes a cache.
 *
 * @throws VmImageError CACHE_UNWRITABLE where the cache is read-only or somebody else's, NO_SPACE where the disk is full; what
 *   else `action` throws.
 */
export async function writingTo<T>(layout: CacheLayout, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (isDiskFull(error)) throw diskFullError(layout.cacheDir, undefined, error)
    const code = systemErrorCode(error) ?? ''
    if (!['EROFS', 'EACCES', 'EPERM'].includes(code) || !isOf(error, layout)) throw error
    throw new VmImageError(
      'CACHE_UNWRITABLE',
      `Cannot write to "${layout.cacheDir}": ${code}.\nMake the cache writable, run this as its owner, or set VMIMAGE_CACHE_DIR.`,
      { cause: error },
    )
  }
}

/** Whether an error of the system's is about a file of the cache, and not about one of the user's own. */
export function isOf(error: unknown, { versionDir }: CacheLayout): boolean {
  if (systemErrorCode(error) === undefined) return false
  const { path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string } // Node's errors name their files
  return [path, dest].some((file) => file?.startsWith(versionDir + sep))
}
