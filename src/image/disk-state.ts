/** DiskState: what changes about a VmImage during its life, and what it needs to know for it. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { VmImageError } from '../errors.js'
import type { DiskChain } from '../qcow2/block-node.js'
import type { Stamp } from '../store/stamp.js'
import type { BaseImage } from './base-image.js'
import type { KeptDisk } from './keep-disk.js'
import type { VmImage } from './vm-image.js'

/** Where disks are kept, and for whom. */
export interface Keeping {
  readonly keptDir: string
  /** What people see as one run: kept disks of others make room for those of this one. */
  readonly session: string
  /** Removes older kept disks, where there are limits. Default: there are none. */
  readonly makeRoom?: (() => Promise<void>) | undefined
}

/** A disk that was forked. */
export interface FrozenDisk {
  /** Its file's. */
  readonly name: string
  /** The file as it was then. */
  readonly frozenAs: Stamp
}

export interface DiskState {
  path: string
  readonly base: BaseImage
  readonly extendedL2: boolean
  /** The frozen overlays below it, the nearest first: they are always in its own directory. */
  parents: readonly FrozenDisk[]
  /** Those that are not disposed of. */
  readonly forks: Set<VmImage>
  /** The file as it was when it was frozen; undefined while it may be written. */
  frozenAs: Stamp | undefined
  isDisposed: boolean
  /** Where it is kept, when somebody asked for that. */
  kept: KeptDisk | undefined
  /** Where overlays of its run are. */
  readonly overlayDir: string
  /** Undefined where nothing can be kept. */
  readonly keeping: Keeping | undefined
  readonly test: string | undefined
  readonly warn: ((message: string) => void) | undefined
}

/** The disk with everything below it, by the paths that we know. */
export function chainOf({ path, parents, base }: DiskState): DiskChain {
  const parentPaths = parents.map(({ name }) => join(dirname(path), name))
  return { path, parents: parentPaths, base: { path: base.path, format: base.format } }
}

export function diskFrozen(path: string, action: string): VmImageError {
  return new VmImageError(
    'DISK_FROZEN',
    `Cannot ${action} "${path}": it was forked, and its forks need it as it is.\nFork it again, and use the fork; of a kept disk "vmimage export" makes a copy.`,
  )
}

/** @throws VmImageError DISK_GONE. */
export function requirePresent(state: DiskState, action: string): void {
  if (state.isDisposed || !existsSync(state.path)) throw diskGone(state, action)
}

/** What only reads is good for a kept disk after its test too. @throws VmImageError DISK_GONE. */
export function requireFile(state: DiskState, action: string): void {
  if (!existsSync(state.path)) throw diskGone(state, action)
}

export function diskGone({ path, isDisposed }: DiskState, action: string): VmImageError {
  return new VmImageError(
    'DISK_GONE',
    `Cannot ${action} "${path}": it ${isDisposed ? 'was disposed of, or its test is over' : 'was deleted by somebody'}.\n` +
      'Do it while the disk is there, and await it in the test.',
  )
}
