/** Launch: what QEMU is told of a disk, so that it opens the chain that we know and nothing that a file names. Pure. */
import { type BlockNode, blockNode, type DiskChain } from '../qcow2/block-node.js'
import { hashName } from '../store/layout.js'

export interface Launch {
  /** `['-blockdev', '<json>']`: the disk, for the command line of QEMU 5.2 and later. */
  readonly args: readonly ['-blockdev', string]
  /** Its name there: `-device virtio-blk-pci,drive=<node>`. */
  readonly node: string
  /** The same for QMP's `blockdev-add`. */
  readonly blockdev: BlockNode
}

/**
 * Flushes of the guest end in the host's memory: several times faster, and the disk is lost only when the host itself
 * fails.
 */
export function launchOf(chain: DiskChain): Launch {
  const node = `vmimage-${hashName(chain.path).slice(0, 8)}`
  const blockdev = blockNode(chain, node)
  return { args: ['-blockdev', JSON.stringify(blockdev)], node, blockdev }
}
