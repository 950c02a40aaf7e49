/**
 * What was written to an overlay, straight from its tables: the entries of L1 and L2 say of each cluster (with extended
 * L2 entries, of each 32nd part of one) whether it is the overlay's own. QEMU's specification (docs/interop/qcow2.txt),
 * sections "Cluster mapping" and "Extended L2 Entries".
 */
import { noOverlay, openOverlayFile, type OverlayFile } from './read-overlay.js'

/** A part of the disk that is not read from the base. */
export interface ChangedRange {
  /** Where it begins on the guest's disk, in bytes. */
  readonly offset: number
  readonly length: number
  /** `zero`: it reads as zeros by a flag, and takes no room; `compressed`: data that qemu-img packed, by whole clusters. */
  readonly kind: 'data' | 'zero' | 'compressed'
}

export interface Changes {
  /** Clusters of the disk that have anything of their own, and how large each is. */
  readonly clusters: number
  readonly clusterBytes: number
  /** Bytes of the disk that are data of the overlay. QEMU writes in whole clusters, with extended L2 entries in 32nds of one. */
  readonly bytes: number
  /** Bytes of the disk that were zeroed or discarded, and hide what the base has there. */
  readonly zeroedBytes: number
  /** What the overlay's file takes of the host's disk, its tables included. */
  readonly allocatedBytes: number
  /** Every changed range in order, neighbours of one kind joined. Reads the file anew each time. */
  readonly ranges: Iterable<ChangedRange>
}

/**
 * Counts what was written to the overlay at `path`. Of a disk that a machine has open it is what QEMU has put into the
 * file so far.
 *
 * @throws VmImageError FILE_NOT_FOUND; UNSUPPORTED_IMAGE when it is no qcow2 file; UNSAFE_IMAGE when it is damaged.
 */
export function readChanges(path: string): Changes {
  using file = openOverlayFile(path)
  let [clusters, bytes, zeroedBytes] = [0, 0, 0]
  let lastCluster = -1
  for (const { offset, length, kind } of changedParts(path, file)) {
    if (kind === 'zero') zeroedBytes += length
    else bytes += length
    const cluster = Math.floor(offset / file.clusterBytes)
    if (cluster !== lastCluster) clusters += 1
    lastCluster = cluster
  }
  const { allocatedBytes, clusterBytes } = file
  const ranges = { [Symbol.iterator]: () => changedRanges(path) }
  return { clusters, clusterBytes, bytes, zeroedBytes, allocatedBytes, ranges }
}

function* changedRanges(path: string): Generator<ChangedRange, undefined> {
  using file = openOverlayFile(path)
  let open: ChangedRange | undefined
  for (const part of changedParts(path, file)) {
    if (open !== undefined && open.kind === part.kind && open.offset + open.length === part.offset) {
      open = { ...open, length: open.length + part.length }
    } else {
      if (open !== undefined) yield open
      open = part
    }
  }
  if (open !== undefined) yield open
  return undefined
}

const partsOfCluster = 32
/** Entries are 64 bits, read as two halves: a BigInt each would take ten times as long. */
const halfBase = 2 ** 32
const compressedBit = 0x4000_0000
const zeroBit = 1
/** Bits 9 to 55: the upper half without its flags, the lower one without those below a sector. */
const offsetBitsHigh = 0x00ff_ffff
const offsetBitsLow = 0xffff_fe00

/** Changed parts of single clusters, in order and within the disk. */
function* changedParts(path: string, file: OverlayFile): Generator<ChangedRange, undefined> {
  const entryBytes = file.hasExtendedL2 ? 16 : 8
  const clustersOfTable = file.clusterBytes / entryBytes
  const nothing = Buffer.alloc(file.clusterBytes)
  for (const { index, offset } of l2Tables(path, file, clustersOfTable)) {
    const table = file.read(offset, file.clusterBytes)
    // A hole costs nobody any room, and there may be millions.
    if (table.equals(nothing)) continue
    for (let entry = 0; entry < clustersOfTable; entry += 1) {
      const start = (index * clustersOfTable + entry) * file.clusterBytes
      if (start >= file.virtualSizeBytes) break
      const parts = file.hasExtendedL2
        ? partsOfExtended(table, 16 * entry, file.clusterBytes)
        : partsOfPlain(table, 8 * entry, file)
      for (const part of parts) {
        const length = Math.min(part.length, file.virtualSizeBytes - start - part.offset)
        if (length > 0) yield { ...part, offset: start + part.offset, length }
      }
    }
  }
  return undefined
}

/** Those that the disk needs, each once: so the size of the file bounds the work, whatever its tables say. */
function* l2Tables(path: string, file: OverlayFile, clustersOfTable: number) {
  const needed = Math.ceil(file.virtualSizeBytes / (file.clusterBytes * clustersOfTable))
  const entries = Math.min(file.l1Entries, needed)
  const l1 = file.read(file.l1Offset, 8 * entries)
  const seen = new Set<number>()
  for (let index = 0; index < entries; index += 1) {
    const offset = offsetAt(l1, 8 * index)
    if (offset === 0) continue
    if (seen.has(offset))
      throw noOverlay(path, `two places of its L1 table name the L2 table at byte ${offset}`)
    seen.add(offset)
    if (offset % file.clusterBytes !== 0)
      throw noOverlay(path, `an L2 table is said to begin at byte ${offset}`)
    yield { index, offset }
  }
}

function offsetAt(table: Buffer, at: number): number {
  const high = table.readUInt32BE(at) & offsetBitsHigh
  // Bit operations of JavaScript are signed; the shift by nothing makes the number positive again.
  const low = (table.readUInt32BE(at + 4) & offsetBitsLow) >>> 0
  return high * halfBase + low
}

const none: readonly ChangedRange[] = []

function partsOfPlain(table: Buffer, at: number, file: OverlayFile): readonly ChangedRange[] {
  const whole = { offset: 0, length: file.clusterBytes }
  if ((table.readUInt32BE(at) & compressedBit) !== 0) return [{ ...whole, kind: 'compressed' }]
  const isZero = file.hasZeroFlag && (table.readUInt32BE(at + 4) & zeroBit) !== 0
  if (isZero) return [{ ...whole, kind: 'zero' }]
  return offsetAt(table, at) === 0 ? none : [{ ...whole, kind: 'data' }]
}

/** The first half of the entry is as ever; the second has a bit for each part that is data, and one for each that is zeros. */
function partsOfExtended(table: Buffer, at: number, clusterBytes: number): readonly ChangedRange[] {
  // The bitmap of a compressed cluster says nothing.
  if ((table.readUInt32BE(at) & compressedBit) !== 0) {
    return [{ offset: 0, length: clusterBytes, kind: 'compressed' }]
  }
  const zeros = table.readUInt32BE(at + 8)
  const data = table.readUInt32BE(at + 12)
  if (zeros === 0 && data === 0) return none
  const length = clusterBytes / partsOfCluster
  const parts: ChangedRange[] = []
  for (let part = 0; part < partsOfCluster; part += 1) {
    const kind = hasBit(data, part) ? 'data' : hasBit(zeros, part) ? 'zero' : undefined
    if (kind !== undefined) parts.push({ offset: part * length, length, kind })
  }
  return parts
}

function hasBit(bits: number, bit: number): boolean {
  return ((bits >>> bit) & 1) === 1
}
