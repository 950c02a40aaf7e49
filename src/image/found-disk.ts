/** FoundDisk: a disk that find-disk.ts has found, and one look at what it stands on before it is used. */
import { VmImageError } from '../errors.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { inspectImage } from '../qcow2/inspect.js'
import { isUnchanged, type Stamp, stampOf } from '../store/stamp.js'
import { frozenChanged } from './check-unchanged.js'

export interface FoundDisk {
  readonly chain: DiskChain
  /** What that was when the disk was made or kept, the parents in the order of the chain; undefined where nobody knows. */
  readonly stamps: { readonly base: Stamp | undefined; readonly parents: readonly (Stamp | undefined)[] }
}

/**
 * @throws VmImageError BASE_CHANGED when something that it stands on is gone, or was written to as far as that is known;
 * UNSAFE_IMAGE when the base is none.
 */
export function checkFound({ chain, stamps }: FoundDisk): void {
  const { path } = chain.base
  if (stampOf(path) === undefined) throw baseChanged(path, 'it is gone')
  if (stamps.base && !isUnchanged(path, stamps.base)) throw baseChanged(path, 'somebody wrote to it')
  inspectImage(path, { declaredFormat: chain.base.format })
  for (const [index, parent] of chain.parents.entries()) {
    const stamp = stamps.parents[index]
    if (stampOf(parent) === undefined || (stamp && !isUnchanged(parent, stamp))) throw frozenChanged(parent)
  }
}

function baseChanged(path: string, found: string): VmImageError {
  return new VmImageError(
    'BASE_CHANGED',
    `Cannot use base image "${path}": ${found}, and what stands on it is not to be trusted.\n` +
      'Where you have it as it was, name it: --base FILE on the command line, the option "base" of diskAt().',
  )
}
