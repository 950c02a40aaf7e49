/**
 * The partition table in the first sectors of a raw disk: which it is, and what is odd about it, if anything. A disk
 * without one is legal (a bare file system), so this only ever warns; most often it means that a file is not a disk at
 * all.
 *
 * Layout and values: UEFI specification 2.10, sections 5.2 (legacy and protective MBR) and 5.3 (GPT).
 */
import { hasAt } from './foreign-formats.js'

interface Partition {
  readonly flag: number
  readonly firstChs: string
  readonly type: number
  readonly firstSector: number
}

const typeOfGpt = 0xee
const gptMark = Buffer.from('EFI PART')
/** A GPT begins at the second sector, and sectors have one of these sizes. */
const sectorSizes = [512, 4096]

/** Which partition table a disk has, by its first 4104 bytes or more. */
export function findPartitionTable(head: Buffer): 'gpt' | 'mbr' | undefined {
  if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55 || isFat(head)) return undefined
  if (sectorSizes.some((bytes) => hasAt(head, gptMark, bytes))) return 'gpt'
  return partitionsIn(head).some(({ type }) => type !== 0) ? 'mbr' : undefined
}

/** What is odd about the partition table in the first 512 bytes, as the end of a sentence; undefined for nothing. */
export function findOddPartitionTable(sector: Buffer): string | undefined {
  if (sector.length < 512 || sector.readUInt16LE(510) !== 0xaa55) return 'it has no partition table'
  if (isFat(sector)) return undefined
  const partitions = partitionsIn(sector)
  if (partitions.some(({ flag }) => flag !== 0 && flag !== 0x80))
    return 'a partition has an impossible boot flag'
  const used = partitions.filter(({ type }) => type !== 0)
  if (used.length === 0) return 'its partition table is empty'
  const gpt = used.find(({ type }) => type === typeOfGpt)
  if (!gpt) return undefined
  const isProtective =
    used.length === 1 && gpt === partitions[0] && gpt.firstSector === 1 && gpt.firstChs === '000200'
  return isProtective ? undefined : 'its first sector does not protect the GPT as it should'
}

/** A FAT file system ends its first sector with the same mark as a partition table: two FATs, on a "fixed disk". */
function isFat(sector: Buffer): boolean {
  return sector[0x10] === 2 && sector[0x15] === 0xf8
}

function partitionsIn(sector: Buffer): readonly Partition[] {
  return [446, 462, 478, 494].map((offset) => readPartition(sector.subarray(offset, offset + 16)))
}

function readPartition(entry: Buffer): Partition {
  return {
    flag: entry.readUInt8(0),
    firstChs: entry.toString('hex', 1, 4),
    type: entry.readUInt8(4),
    firstSector: entry.readUInt32LE(8),
  }
}
