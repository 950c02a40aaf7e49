/**
 * openOverlay: base image in, disposable disk out. This is the path of every test, so it is synchronous, touches
 * three files and imports nothing of the network or of other processes.
 */
import { randomUUID } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { Cleanup } from '../cleanup.js'
import { createOverlay, type Overlay, type OverlayBase } from '../qcow2/create.js'
import { markTest, unmarkTest } from '../store/run-record.js'
import type { BaseImage } from './base-image.js'
import { checkUnchanged } from './check-unchanged.js'
import { isLockedByQemu } from './disk-locks.js'
import type { DiskState, FrozenDisk, Keeping } from './disk-state.js'
import { VmImage } from './vm-image.js'

export interface OverlayOptions {
  /** An existing directory for the overlay. */
  readonly directory: string
  /** Virtual size in bytes, at least the base's. Default: the base's. */
  readonly sizeBytes?: number | undefined
  /** False: plain 64 KiB clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
  /** Where `VmImage.keep()` keeps it. Default: that is refused. */
  readonly keeping?: Keeping | undefined
  /** Tells people what went otherwise than they may think. Default: nobody is told. */
  readonly warn?: ((message: string) => void) | undefined
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
  return makeImage(base, base, [], options)
}

/**
 * For the package itself: an image of a new overlay on `below`, which is the base, or stands on it.
 *
 * @param parents the overlays between the two, the nearest first; they are in the same directory.
 */
export function makeImage(
  base: BaseImage,
  below: OverlayBase,
  parents: readonly FrozenDisk[],
  options: OverlayOptions,
): VmImage {
  const { directory, sizeBytes, extendedL2 = true, test, warn, keeping } = options
  const path = join(directory, `${parse(base.fileName).name}-${randomUUID().slice(0, 8)}.qcow2`)
  const overlay = createOverlay(path, below, { sizeBytes, extendedL2 })
  const cleanup = options.afterwards?.move() ?? new Cleanup()
  cleanup.defer(() => deleteOverlay(overlay, warn))
  // A base that is not in the cache is nobody's to remove.
  if (test !== undefined && base.leaseDir !== undefined) {
    markTest(path, base.path, test)
    cleanup.defer(() => unmarkTest(path))
  }
  const state: DiskState = {
    path,
    base,
    extendedL2,
    parents,
    forks: new Set(),
    frozenAs: undefined,
    isDisposed: false,
    kept: undefined,
    overlayDir: directory,
    keeping,
    test,
    warn,
  }
  return new VmImage(base, state, overlay.virtualSizeBytes, cleanup)
}

/** So many bytes are gone before another thread could be asked to delete them. */
const littleBytes = 2n ** 22n

/**
 * Asynchronously where it takes long: unlinking 500 MB keeps a thread for 40 to 170 ms on ext4. Idempotent. Only where
 * a guest has written is there something to lose, and a look at the locks, which takes as long as all the rest.
 */
async function deleteOverlay({ path, fileSizeBytes }: Overlay, warn: OverlayOptions['warn']): Promise<void> {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return
  if (warn && stat.size > fileSizeBytes && (await isLockedByQemu(path))) {
    const { usersText } = await import('./disk-users.js')
    warn(
      `The disk "${path}" is deleted while ${usersText(path)} has it open: the machine goes on, and the room is free when it ends.`,
    )
  }
  if (stat.blocks * 512n > littleBytes) return rm(path, { force: true })
  rmSync(path, { force: true })
}
