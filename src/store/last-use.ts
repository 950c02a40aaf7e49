/**
 * When an image was last used: the time of its directory, which whoever leases it renews. Not the time of the file,
 * which says that its bytes are the ones that were verified.
 */
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { type CacheLayout, imageDirectory } from './layout.js'
import { newOwner } from './owner.js'
import { whenReadable } from './readable.js'

/** Finer than this nobody needs to know it, and a look costs less than a write. */
const everyMs = 3_600_000

/** Never throws: in a cache that is read-only the time stays what it is. */
export function touchImage(layout: CacheLayout, key: string): void {
  const directory = imageDirectory(layout, key)
  whenReadable(() => {
    const now = Date.now()
    // A time in the future was written by a clock that was wrong.
    if (Math.abs(now - statSync(directory).mtimeMs) < everyMs) return
    renewTime(directory, now / 1000)
  })
}

/** Times of one's own choice are the owner's to set (utimensat(2)); in the image of another member of a group a file comes and goes. */
function renewTime(directory: string, seconds: number): void {
  try {
    utimesSync(directory, seconds, seconds)
  } catch (error) {
    if (systemErrorCode(error) !== 'EPERM') throw error
    // Swept as a draft when we die between the two.
    const draft = join(directory, `used.${newOwner()}`)
    writeFileSync(draft, '', { flag: 'wx' })
    rmSync(draft, { force: true })
  }
}
