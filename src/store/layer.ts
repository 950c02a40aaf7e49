/**
 * Layer: a cache below the user's own that is only read: one that the image of a CI machine brings, or a team's on
 * NFS. It is in our layout, or in Avocado's (avocado.ts).
 */
import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { systemErrorCode, VmImageError } from '../errors.js'
import { cacheLayout, imageDirectory } from './layout.js'
import { whenReadable } from './readable.js'
import { isOfAnother, isOpenToAll, refuseLink, refuseOthers } from './root.js'
import { type Stamp, stampOf } from './stamp.js'
import { findImage, type StoredImage } from './store.js'

const instead = 'leave it out of extraCacheDirs'

/**
 * Refuses a layer that cannot be read, or into which others could have put images. To be called before it is used.
 * Whose it is, is the choice of the user who named it; what is in it has to be of that same owner.
 *
 * @throws VmImageError INVALID_CONFIG when it does not exist or cannot be read, CACHE_UNSAFE when it can be written by
 * everybody, or when a directory of our layout in it is a link or belongs to somebody else.
 */
export function checkLayer(directory: string): void {
  const { versionDir, images } = cacheLayout(directory)
  try {
    // Its place is the user's choice, and may be a link.
    const top = statSync(directory)
    refuseOthers(directory, top, instead, top.uid)
    refuseUnreadable(directory)
    for (const inner of [versionDir, images]) {
      const stat = lstatSync(inner, { throwIfNoEntry: false })
      if (stat === undefined) return
      refuseLink(inner, stat, instead)
      refuseOthers(inner, stat, instead, top.uid)
      refuseUnreadable(inner)
    }
  } catch (error) {
    throw systemErrorCode(error) === undefined ? error : unusable(directory, error)
  }
}

/**
 * The image `key` in a layer of our own layout, as it lies there, with the stamp that it has there; undefined when it
 * is not there or cannot be read, when it is not the file that was published, or when somebody else put it into a
 * directory that several fill.
 */
export function findInLayer(directory: string, key: string): StoredImage | undefined {
  const layout = cacheLayout(directory)
  return whenReadable(() => {
    const stored = findImage(layout, key)
    const stamp = stored && stampOf(stored.path)
    if (stored === undefined || stamp === undefined || !isCopyOf(stamp, stored.meta.content)) return undefined
    accessSync(stored.path, constants.R_OK)
    const stat = lstatSync(imageDirectory(layout, key))
    const isForeign = isOfAnother(stat, statSync(directory).uid) || isOpenToAll(stat)
    if (!stat.isDirectory() || isForeign) return undefined
    return { ...stored, meta: { ...stored.meta, content: { ...stored.meta.content, ...stamp } } }
  })
}

/** Archives, and so the layers of container images, keep only the whole seconds of a time. */
function isCopyOf(stamp: Stamp, published: Stamp): boolean {
  const isSameTime = stamp.mtimeNs === published.mtimeNs
  const isCut = stamp.mtimeNs === `${published.mtimeNs.slice(0, -9)}000000000`
  return stamp.sizeBytes === published.sizeBytes && (isSameTime || isCut)
}

/** The dot asks for a directory, and for the right to pass through it; R_OK for the right to list it. */
function refuseUnreadable(directory: string): void {
  accessSync(`${directory}/.`, constants.R_OK)
}

function unusable(directory: string, cause: unknown): VmImageError {
  return new VmImageError(
    'INVALID_CONFIG',
    `Cannot use "${directory}" of extraCacheDirs: ${systemErrorCode(cause)}; expected a directory that can be read.\n` +
      `Check the path, mount it, or make it readable (chmod -R a+rX "${directory}"); or ${instead}.`,
    { cause },
  )
}
