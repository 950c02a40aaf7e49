/** reset: a disk is as its base again, at the same path. */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, statSync } from 'node:fs'
import { unwritable } from '../file-trouble.js'
import { createOverlay, type OverlayBase, type OverlayOptions } from '../qcow2/create.js'
import { inspectImage } from '../qcow2/inspect.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { checkBelow } from './check-unchanged.js'
import { chainOf, diskFrozen, requirePresent } from './disk-state.js'
import { diskInUse, isOpenNow, requireUnused } from './disk-users.js'
import { stateOf, type VmImage } from './vm-image.js'

/** VmImage.reset(). */
export async function resetImage(image: VmImage): Promise<void> {
  const state = stateOf(image)
  requirePresent(state, 'reset')
  await requireUnused(state.path, 'Cannot reset')
  requirePresent(state, 'reset')
  // Somebody may have forked it while we waited.
  if (state.frozenAs !== undefined) throw diskFrozen(state.path, 'reset')
  checkBelow(state)
  const below = state.parents.length === 0 ? state.base : belowOf(chainOf(state))
  writeFresh(state.path, below, { sizeBytes: image.virtualSizeBytes, extendedL2: state.extendedL2 })
}

/**
 * Empties the overlay of a chain, for a disk that no VmImage stands for. Its size and its kind of L2 entries stay.
 *
 * @throws VmImageError DISK_IN_USE, DISK_FROZEN, FILE_UNWRITABLE, UNSAFE_IMAGE when its header is damaged, or its base is none.
 */
export async function resetDisk(chain: DiskChain): Promise<void> {
  // Of tables that are damaged nothing is left.
  const { virtualSizeBytes, qcow2 } = examineOverlay(chain.path, { mayBeCorrupt: true })
  await requireUnused(chain.path, 'Cannot reset')
  if ((statSync(chain.path).mode & 0o200) === 0) throw diskFrozen(chain.path, 'reset')
  const extendedL2 = qcow2?.features.includes('extended L2 entries')
  writeFresh(chain.path, belowOf(chain), { sizeBytes: virtualSizeBytes, extendedL2 })
}

function belowOf({ parents: [parent], base }: DiskChain): OverlayBase {
  if (parent === undefined) return inspectImage(base.path, { declaredFormat: base.format })
  const { virtualSizeBytes = 0 } = examineOverlay(parent)
  return { path: parent, format: 'qcow2', virtualSizeBytes, isBeside: true }
}

/** A new file takes the place of the old one, so a machine that came in between goes on with the old one, whole. */
export function writeFresh(path: string, below: OverlayBase, options: OverlayOptions): void {
  const draft = `${path}.${randomUUID()}`
  try {
    createOverlay(draft, below, options)
    if (isOpenNow(path)) throw diskInUse(path, 'Cannot reset')
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw unwritable('reset', path, error)
  }
}
