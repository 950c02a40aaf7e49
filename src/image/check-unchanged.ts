/** One look before a disk is made, launched or copied: what it stands on is still what was verified, or frozen. */
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { VmImageError } from '../errors.js'
import { isUnchanged, stampOf } from '../store/stamp.js'
import type { BaseImage } from './base-image.js'
import type { DiskState } from './disk-state.js'

/**
 * A cached base is 0444, but root's `qemu-img commit` and a plain `dd` do not mind that.
 *
 * @throws VmImageError BASE_CHANGED.
 */
export function checkUnchanged(base: BaseImage): void {
  if (isUnchanged(base.path, base.stamp)) return
  const found = stampOf(base.path) ? 'somebody wrote to it after it was verified' : 'it is gone'
  throw new VmImageError(
    'BASE_CHANGED',
    `Cannot use base image "${base.path}": ${found}, and what stands on it is not to be trusted.\n` +
      cureOf(base),
  )
}

/**
 * The same of all that a disk stands on.
 *
 * @throws VmImageError BASE_CHANGED.
 */
export function checkBelow({ path, parents, base }: DiskState): void {
  checkUnchanged(base)
  for (const { name, frozenAs } of parents) {
    const parent = join(dirname(path), name)
    if (!isUnchanged(parent, frozenAs)) throw frozenChanged(parent)
  }
}

export function frozenChanged(path: string): VmImageError {
  const found = stampOf(path) ? 'somebody wrote to it after it was forked' : 'it is gone'
  return new VmImageError(
    'BASE_CHANGED',
    `Cannot use forked disk "${path}": ${found}, and its forks are not to be trusted.\n` +
      'Find out who does that (root may write to any file); then prepare the disk anew.',
  )
}

function cureOf({ url, path }: BaseImage): string {
  const who = 'Then find out who does that (root, "qemu-img commit", rm).'
  if (!url.startsWith('file:')) return `Run again: vmimage fetches it anew. ${who}`
  if (url === pathToFileURL(path).href) return 'Run again when the file is as it shall be.'
  return `Import it again: vmimage import ${fileURLToPath(url)}. ${who}`
}
