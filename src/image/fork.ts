/** fork: an overlay on a test's overlay, which is frozen from then on. */
import { chmodSync, existsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Cleanup } from '../cleanup.js'
import { VmImageError } from '../errors.js'
import { prepareOverlay } from '../qcow2/create.js'
import { parseSize } from '../request/size.js'
import { isUnchanged, stampOf } from '../store/stamp.js'
import { type DiskState, parentsOfFork } from './disk-state.js'
import { diskInUse, isOpenNow, requireUnused } from './disk-users.js'
import { linkOrCopy } from './link-or-copy.js'
import { checkUnchanged, makeImage } from './overlay.js'
import { stateOf, type VmImage } from './vm-image.js'

export interface ForkOptions {
  /** Virtual size of the fork, in bytes or as `'20G'`; at least that of what is forked. Default: the same. */
  readonly size?: string | number | undefined
  /** False: plain clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
}

const frozenMode = 0o444

/** VmImage.fork(). After the last wait nothing is left undone, so a test that ends meanwhile leaves nothing. */
export async function forkImage(image: VmImage, { size, extendedL2 }: ForkOptions): Promise<VmImage> {
  const sizeBytes = size === undefined ? undefined : parseSize(size)
  const state = stateOf(image)
  if (state.frozenAs === undefined && existsSync(state.path)) await requireUnused(state.path, 'Cannot fork')
  requirePresent(state, 'fork')
  checkUnchanged(state.base)
  // What is wrong with the size is said while nothing is frozen.
  prepareOverlay(
    { path: state.path, format: 'qcow2', virtualSizeBytes: image.virtualSizeBytes },
    { sizeBytes },
  )
  const thaw = freeze(state)
  try {
    return forkFrozen(image, { sizeBytes, extendedL2 })
  } catch (error) {
    thaw()
    throw error
  }
}

function forkFrozen(
  image: VmImage,
  {
    sizeBytes,
    extendedL2,
  }: { readonly sizeBytes: number | undefined; readonly extendedL2: boolean | undefined },
): VmImage {
  const state = stateOf(image)
  const afterwards = new Cleanup()
  // Deferred first, so done last; the fork is known by then.
  afterwards.defer(() => release(image, fork))
  const below = placeBeside(image, state)
  const fork: VmImage = makeImage(state.base, below, parentsOfFork(state), {
    directory: state.overlayDir,
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

/** @throws VmImageError DISK_GONE. */
export function requirePresent({ path, isDisposed }: DiskState, action: string): void {
  if (!isDisposed && existsSync(path)) return
  throw new VmImageError(
    'DISK_GONE',
    `Cannot ${action} "${path}": it ${isDisposed ? 'was disposed of, or its test is over' : 'was deleted by somebody'}.\n` +
      'Do it while the disk is there, and await it in the test.',
  )
}

/**
 * Made read-only first and looked at then: who opens it in between and is not root can only read it.
 *
 * @returns what takes that back, where this call did it: without a fork the disk is as it was.
 */
function freeze(state: DiskState): () => void {
  if (state.frozenAs === undefined) {
    const { mode } = statSync(state.path)
    const thaw = () => {
      state.frozenAs = undefined
      chmodSync(state.path, mode & 0o7777)
    }
    chmodSync(state.path, frozenMode)
    if (isOpenNow(state.path)) {
      thaw()
      throw diskInUse(state.path, 'Cannot fork')
    }
    state.frozenAs = stampOf(state.path)
    return thaw
  }
  if (isUnchanged(state.path, state.frozenAs)) return () => undefined
  throw new VmImageError(
    'BASE_CHANGED',
    `Cannot fork "${state.path}": somebody wrote to it after it was forked for the first time, and its forks are not to be trusted.\n` +
      'Find out who does that (root may write to any file); then prepare the disk anew.',
  )
}

/** A fork names what it stands on by its directory, so that both can be moved; a disk that was kept is no longer there. */
function placeBeside(image: VmImage, { path, parents, overlayDir }: DiskState) {
  const directory = dirname(path)
  if (directory !== overlayDir) {
    for (const name of [basename(path), ...parents]) linkOrCopy(join(directory, name), join(overlayDir, name))
  }
  const { virtualSizeBytes } = image
  return {
    path: join(overlayDir, basename(path)),
    format: 'qcow2',
    virtualSizeBytes,
    isBeside: true,
  } as const
}
