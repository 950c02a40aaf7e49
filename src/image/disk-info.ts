/** DiskInfo: what an overlay is, what it stands on, and what both take of the host's disk. */
import { statSync } from 'node:fs'
import { examineImage } from '../qcow2/examine.js'
import type { DiskChain } from '../qcow2/block-node.js'
import type { Qcow2Facts } from '../qcow2/qcow2-facts.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { allocatedIn } from '../store/allocated.js'
import { isLockedByQemu } from './disk-locks.js'
import { findUsers } from './disk-users.js'

/** One file of a chain. */
export interface ChainLink {
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  readonly virtualSizeBytes: number | undefined
  /** What it takes of the host's disk. */
  readonly allocatedBytes: number
}

export interface DiskInfo extends ChainLink {
  readonly fileSizeBytes: number
  /** What the header says, as `vmimage inspect` shows it. */
  readonly qcow2: Qcow2Facts | undefined
  /** It was forked, and nothing writes to it any more. */
  readonly isFrozen: boolean
  /** Whether a machine has it open; undefined where the system does not tell. */
  readonly isOpen: boolean | undefined
  /** Who, of the processes that this user may look at: `qemu-system-x86_64 (pid 123)`. */
  readonly users: readonly string[]
  readonly base: ChainLink
  /** From the disk itself down to the base. */
  readonly chain: readonly ChainLink[]
}

/** @throws VmImageError FILE_NOT_FOUND, UNSUPPORTED_IMAGE, UNSAFE_IMAGE when the overlay is damaged. */
export async function readDiskInfo(chain: DiskChain): Promise<DiskInfo> {
  const { fileSizeBytes, qcow2 } = examineOverlay(chain.path, { mayBeCorrupt: true })
  const { mode } = statSync(chain.path)
  const own = linkOf(chain.path, 'qcow2')
  const base = linkOf(chain.base.path, chain.base.format)
  return {
    ...own,
    fileSizeBytes,
    qcow2,
    isFrozen: (mode & 0o200) === 0,
    isOpen: await isLockedByQemu(chain.path),
    users: findUsers(chain.path),
    base,
    chain: [own, ...chain.parents.map((path) => linkOf(path, 'qcow2')), base],
  }
}

function linkOf(path: string, format: ChainLink['format']): ChainLink {
  const { virtualSizeBytes } = examineImage(path)
  return { path, format, virtualSizeBytes, allocatedBytes: allocatedIn(path) }
}
