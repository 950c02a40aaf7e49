/**
 * openOverlay: base image in, disposable disk out. This is the path of every test, so it is synchronous, touches
 * three files and imports nothing of the network or of other processes.
 */
import { randomUUID } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Cleanup } from '../cleanup.js'
import { VmImageError } from '../errors.js'
import { createOverlay } from '../qcow2/create.js'
import { markTest, unmarkTest } from '../store/run-record.js'
import { isUnchanged, stampOf } from '../store/stamp.js'
import type { BaseImage } from './base-image.js'
import { VmImage } from './vm-image.js'

export interface OverlayOptions {
  /** An existing directory for the overlay. */
  readonly directory: string
  /** Virtual size in bytes, at least the base's. Default: the base's. */
  readonly sizeBytes?: number | undefined
  /** False: plain 64 KiB clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
  /** The test that it is for, which people are told who ask why its base does not go. Default: none. */
  readonly test?: string | undefined
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
  const path = join(options.directory, `${parse(base.fileName).name}-${randomUUID().slice(0, 8)}.qcow2`)
  const overlay = createOverlay(path, base, { sizeBytes: options.sizeBytes, extendedL2: options.extendedL2 })
  const cleanup = options.afterwards?.move() ?? new Cleanup()
  cleanup.defer(() => deleteOverlay(path))
  // A base that is not in the cache is nobody's to remove.
  if (options.test !== undefined && base.leaseDir !== undefined) {
    markTest(path, base.path, options.test)
    cleanup.defer(() => unmarkTest(path))
  }
  return new VmImage(base, overlay, cleanup)
}

/** So many bytes are gone before another thread could be asked to delete them. */
const littleBytes = 2 ** 22

/** Asynchronously where it takes long: unlinking 500 MB keeps a thread for 40 to 170 ms on ext4. Idempotent. */
async function deleteOverlay(path: string): Promise<void> {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.blocks * 512 > littleBytes) return rm(path, { force: true })
  rmSync(path, { force: true })
}

/** One look per test. A cached base is 0444, but root's `qemu-img commit` and a plain `dd` do not mind that. */
function checkUnchanged(base: BaseImage): void {
  if (isUnchanged(base.path, base.stamp)) return
  const found = stampOf(base.path) ? 'somebody wrote to it after it was verified' : 'it is gone'
  throw new VmImageError(
    'BASE_CHANGED',
    `Cannot use base image "${base.path}": ${found}, and what stands on it is not to be trusted.\n` +
      cureOf(base),
  )
}

function cureOf({ url, path }: BaseImage): string {
  const who = 'Then find out who does that (root, "qemu-img commit", rm).'
  if (!url.startsWith('file:')) return `Run again: vmimage fetches it anew. ${who}`
  if (url === pathToFileURL(path).href) return 'Run again when the file is as it shall be.'
  return `Import it again: vmimage import ${fileURLToPath(url)}. ${who}`
}
