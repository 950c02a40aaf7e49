/** How much of the disk something takes: allocated blocks, so that holes count for nothing. */
import { lstatSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { namesIn } from './directory.js'
import { whenReadable } from './readable.js'

/** Bytes that the disk gives to a file. */
export function allocatedBytes({ blocks }: Stats): number {
  return blocks * 512
}

/**
 * Bytes of all files in `path`, or of the file that it is; what goes meanwhile or cannot be read counts as none, and a
 * file with several names once.
 *
 * @param counted which files with several names were counted before; those of this call are added.
 */
export function allocatedIn(path: string, counted = new Set<string>()): number {
  const stat = whenReadable(() => lstatSync(path, { throwIfNoEntry: false }))
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return isCounted(stat, counted) ? 0 : allocatedBytes(stat)
  const names = whenReadable(() => namesIn(path)) ?? []
  return names.reduce((sum, name) => sum + allocatedIn(join(path, name), counted), 0)
}

function isCounted({ dev, ino, nlink }: Stats, counted: Set<string>): boolean {
  if (nlink < 2) return false
  const file = `${dev}:${ino}`
  if (counted.has(file)) return true
  counted.add(file)
  return false
}
