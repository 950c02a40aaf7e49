/**
 * When an image was last used: the time of its directory, which whoever leases it renews. Not the time of the file,
 * which says that its bytes are the ones that were verified.
 */
import { statSync, utimesSync } from 'node:fs'
import { type CacheLayout, imageDirectory } from './layout.js'
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
    utimesSync(directory, now / 1000, now / 1000)
  })
}
