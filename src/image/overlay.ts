/**
 * openOverlay: base image in, disposable disk out. This is the path of every test, so it is synchronous, touches
 * three files and imports nothing of the network or of other processes.
 */
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { Cleanup } from '../cleanup.js'
import { VmImageError } from '../errors.js'
import { createOverlay } from '../qcow2/create.js'
import type { BaseImage } from './base-image.js'
import { VmImage } from './vm-image.js'

export interface OverlayOptions {
  /** An existing directory for the overlay. */
  readonly directory: string
  /** Virtual size in bytes, at least the base's. Default: the base's. */
  readonly sizeBytes?: number | undefined
  /** False: plain 64 KiB clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
  /** What ends after the overlay is deleted; taken over when the overlay exists. Default: nothing. */
  readonly afterwards?: Cleanup | undefined
}

/**
 * Makes an empty overlay over `base`, named `<base name>-<8 hex digits>.qcow2`, mode 0600.
 *
 * @throws VmImageError BASE_CHANGED when the base is gone or was written to since it was verified,
 * SIZE_TOO_SMALL when `sizeBytes` is below the base's, PATH_TOO_LONG when the base's path exceeds 1023 bytes.
 */
export function openOverlay(base: BaseImage, options: OverlayOptions): VmImage {
  checkUnchanged(base)
  const path = join(options.directory, `${parse(base.fileName).name}-${randomBytes(4).toString('hex')}.qcow2`)
  const overlay = createOverlay(path, base, { sizeBytes: options.sizeBytes, extendedL2: options.extendedL2 })
  const cleanup = options.afterwards?.move() ?? new Cleanup()
  // Asynchronous on purpose: unlinking an overlay of 500 MB keeps the thread for 40 to 170 ms on ext4.
  cleanup.defer(() => rm(path, { force: true }))
  return new VmImage(base, overlay, cleanup)
}

/** One stat per test. The base is 0444, but root's `qemu-img commit` and a plain `dd` do not mind that. */
function checkUnchanged(base: BaseImage): void {
  const stat = statSync(base.path, { bigint: true, throwIfNoEntry: false })
  if (stat?.size === BigInt(base.stamp.sizeBytes) && String(stat.mtimeNs) === base.stamp.mtimeNs) return
  throw new VmImageError(
    'BASE_CHANGED',
    stat
      ? `Cannot use base image "${base.path}": somebody wrote to it after it was verified.\n` +
          'Overlays on it are not to be trusted. Run again: vmimage fetches it anew; find out who writes to it (root, "qemu-img commit").'
      : `Cannot use base image "${base.path}": it is gone, so the cache was deleted while this run uses it.\n` +
          'Run again: vmimage fetches what is missing.',
  )
}
