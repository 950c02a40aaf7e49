/** reset: a disk is as its base again, at the same path. */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, statSync } from 'node:fs'
import { createOverlay, type OverlayBase } from '../qcow2/create.js'
import { inspectImage } from '../qcow2/inspect.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { chainOf, diskFrozen } from './disk-state.js'
import { diskInUse, isOpenNow, requireUnused } from './disk-users.js'
import { requirePresent } from './fork.js'
import { checkUnchanged } from './overlay.js'
import { stateOf, type VmImage } from './vm-image.js'

/** VmImage.reset(). */
export async function resetImage(image: VmImage): Promise<void> {
  const state = stateOf(image)
  requirePresent(state, 'reset')
  await requireUnused(state.path, 'Cannot reset')
  requirePresent(state, 'reset')
  // Somebody may have forked it while we waited.
  if (state.frozenAs !== undefined) throw diskFrozen(state.path, 'reset')
  checkUnchanged(state.base)
  const below = state.parents.length === 0 ? state.base : belowOf(chainOf(state))
  writeFresh(state.path, below, image.virtualSizeBytes)
}

/**
 * Empties the overlay of a chain, for a disk that no VmImage stands for. Its size and its kind of L2 entries stay.
 *
 * @throws VmImageError DISK_IN_USE, DISK_FROZEN, UNSAFE_IMAGE when the overlay is damaged, or its base is none.
 */
export async function resetDisk(chain: DiskChain): Promise<void> {
  await requireUnused(chain.path, 'Cannot reset')
  if ((statSync(chain.path).mode & 0o200) === 0) throw diskFrozen(chain.path, 'reset')
  writeFresh(chain.path, belowOf(chain), examineOverlay(chain.path).virtualSizeBytes)
}

function belowOf({ parents: [parent], base }: DiskChain): OverlayBase {
  if (parent === undefined) return inspectImage(base.path, { declaredFormat: base.format })
  const { virtualSizeBytes = 0 } = examineOverlay(parent)
  return { path: parent, format: 'qcow2', virtualSizeBytes, isBeside: true }
}

/** A new file takes the place of the old one, so a machine that came in between goes on with the old one, whole. */
function writeFresh(path: string, below: OverlayBase, sizeBytes: number | undefined): void {
  const { qcow2 } = examineOverlay(path)
  const extendedL2 = qcow2?.features.includes('extended L2 entries')
  const draft = `${path}.${randomUUID()}`
  createOverlay(draft, below, { sizeBytes, extendedL2 })
  try {
    if (isOpenNow(path)) throw diskInUse(path, 'Cannot reset')
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
