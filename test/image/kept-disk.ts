/** A disk that was booted once and kept, found again as a user finds it. */
import { basename } from 'node:path'
import { diskAt } from '../../src/image/disk-at.js'
import { countOf, openCountingDisk } from './counting-disk.js'

export async function openKept() {
  const opened = await openCountingDisk()
  await countOf(opened.image)
  const { path, directory } = await opened.image.keep()
  const { cacheDir, overlayDir } = opened.options
  const find = (asked = basename(directory)) => diskAt(asked, { cacheDir, overlayDir })
  return { opened, path, directory, find }
}
