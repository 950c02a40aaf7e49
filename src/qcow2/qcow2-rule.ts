/** What a rule for qcow2 files is, and the words in which several of them think. */
import { clusterBytes, type Qcow2Header } from './header.js'
import type { Rule } from './rule.js'

/** What the rules look at. */
export interface Qcow2Evidence {
  readonly header: Qcow2Header
  /** The first 64 KiB, and the first cluster where that is more, up to a MiB. */
  readonly head: Buffer
  /** The last 512 bytes. */
  readonly tail: Buffer
  /** The start of the L1 table, as much as was read; empty when it is not inside the file. */
  readonly l1: Buffer
  /** The start of the refcount table, in the same way. */
  readonly refcountTable: Buffer
  readonly fileSizeBytes: number
  readonly maxVirtualSizeBytes: number
}

export interface Qcow2Rule extends Rule {
  /** What breaks the rule, as the middle of a sentence; undefined when nothing does. */
  readonly find: (evidence: Qcow2Evidence) => string | undefined
}

export const cures = {
  damaged: 'The file is damaged or made to do harm: fetch it again from its publisher.',
  rewrite: 'If you trust the file, write it anew: qemu-img convert -f qcow2 -O qcow2 OLD NEW',
  fetchAgain: 'The file was cut short, or is damaged: fetch it again.',
} as const

/** Offsets are signed numbers in QEMU. */
export const offsetsEnd = 1n << 63n

export function when(isBroken: boolean, found: string): string | undefined {
  return isBroken ? found : undefined
}

/** Whether a table begins at a cluster, not at the header's, and ends in the file. */
export function isInside(header: Qcow2Header, offset: bigint, bytes: bigint, fileSizeBytes: number): boolean {
  return offset !== 0n && offset % clusterBytes(header) === 0n && offset + bytes <= BigInt(fileSizeBytes)
}
