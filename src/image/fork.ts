/** fork: an overlay on a test's overlay, which is frozen from then on. */
import { chmodSync, existsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Cleanup } from '../cleanup.js'
import { type OverlayBase, prepareOverlay } from '../qcow2/create.js'
import { parseSize } from '../request/size.js'
import { isUnchanged, stampOf } from '../store/stamp.js'
import { checkBelow, frozenChanged } from './check-unchanged.js'
import { diskGone, type DiskState, type FrozenDisk, requirePresent } from './disk-state.js'
import { diskInUse, findWriters, isOpenNow, requireUnused } from './disk-users.js'
import { noteFrozen } from './kept-directory.js'
import { makeImage } from './overlay.js'
import { placeFrozen } from './place-frozen.js'
import { stateOf, type VmImage } from './vm-image.js'

export interface ForkOptions {
  /** Virtual size of the fork, in bytes or as `'20G'`; at least that of what is forked. Default: the same. */
  readonly size?: string | number | undefined
  /** False: plain clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
}

const frozenMode = 0o444

/** VmImage.fork(). After the last wait nothing is left undone, so a test that ends meanwhile leaves nothing. */
export async function forkImage(
  image: VmImage,
  { size, extendedL2, ...others }: ForkOptions,
): Promise<VmImage> {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new TypeError(`fork() has no option "${unknown}". Known: size, extendedL2.`)
  const sizeBytes = size === undefined ? undefined : parseSize(size)
  const state = stateOf(image)
  if (state.frozenAs === undefined && existsSync(state.path)) await requireUnused(state.path, 'Cannot fork')
  requirePresent(state, 'fork')
  checkBelow(state)
  // What is wrong with the size is said while nothing is frozen.
  prepareOverlay(belowFork(image, state.path), { sizeBytes })
  const { frozen, thaw } = freeze(state)
  try {
    const fork = forkFrozen(image, frozen, { sizeBytes, extendedL2 })
    if (state.kept) state.kept = noteFrozen(image.arch, state.kept)
    return fork
  } catch (error) {
    thaw()
    throw error
  }
}

function forkFrozen(
  image: VmImage,
  frozen: FrozenDisk,
  {
    sizeBytes,
    extendedL2,
  }: { readonly sizeBytes: number | undefined; readonly extendedL2: boolean | undefined },
): VmImage {
  const state = stateOf(image)
  const afterwards = new Cleanup()
  // Deferred first, so done last; the fork is known by then.
  afterwards.defer(() => release(image, fork))
  const { overlayDir } = state
  const parents = placeBeside([frozen, ...state.parents], dirname(state.path), overlayDir)
  const below = belowFork(image, join(overlayDir, frozen.name))
  const fork: VmImage = makeImage(state.base, below, parents, {
    directory: overlayDir,
    keeping: state.keeping,
    warn: state.warn,
    test: state.test,
    sizeBytes,
    extendedL2,
    afterwards,
  })
  state.forks.add(fork)
  return fork
}

/** The end of a fork, and of what it stands on when that only waited for it. */
async function release(image: VmImage, fork: VmImage): Promise<void> {
  const { forks, isDisposed } = stateOf(image)
  forks.delete(fork)
  if (isDisposed) await image.dispose()
}

/**
 * Made read-only first and looked at then: who opens it in between and is not root can only read it.
 *
 * @returns what takes that back, where this call did it: without a fork the disk is as it was.
 */
function freeze(state: DiskState): { readonly frozen: FrozenDisk; readonly thaw: () => void } {
  const { path } = state
  const name = basename(path)
  if (state.frozenAs !== undefined) {
    if (!isUnchanged(path, state.frozenAs)) throw frozenChanged(path)
    return { frozen: { name, frozenAs: state.frozenAs }, thaw: () => undefined }
  }
  const { mode } = statSync(path)
  const thaw = () => {
    state.frozenAs = undefined
    chmodSync(path, mode & 0o7777)
  }
  chmodSync(path, frozenMode)
  // A machine that has just been started has the file open, and its locks not yet.
  if (isOpenNow(path) || findWriters(path).length > 0) {
    thaw()
    throw diskInUse(path, 'Cannot fork')
  }
  const frozenAs = stampOf(path)
  if (frozenAs === undefined) throw diskGone(state, 'fork')
  state.frozenAs = frozenAs
  return { frozen: { name, frozenAs }, thaw }
}

/** A fork names what it stands on by its directory, so that both can be moved; a disk that was kept is no longer there. */
function placeBeside(
  frozen: readonly FrozenDisk[],
  directory: string,
  overlayDir: string,
): readonly FrozenDisk[] {
  return directory === overlayDir ? frozen : frozen.map((disk) => placeFrozen(disk, directory, overlayDir))
}

function belowFork({ virtualSizeBytes }: VmImage, path: string): OverlayBase {
  return { path, format: 'qcow2', virtualSizeBytes, isBeside: true }
}
