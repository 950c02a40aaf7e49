/**
 * The partition table in the first sector of a raw disk: what is odd about it, if anything. A disk without one is
 * legal (a bare file system), so this only ever warns; most often it means that a file is not a disk at all.
 *
 * Layout and values: UEFI specification 2.10, section 5.2 (legacy and protective MBR).
 */
interface Partition {
  readonly flag: number
  readonly firstChs: string
  readonly type: number
  readonly firstSector: number
}

const typeOfGpt = 0xee

/** What is odd about the partition table in the first 512 bytes, as the end of a sentence; undefined for nothing. */
export function findOddPartitionTable(sector: Buffer): string | undefined {
  if (sector.length < 512 || sector.readUInt16LE(510) !== 0xaa55) return 'it has no partition table'
  // A FAT file system ends its first sector with the same mark: two tables, media type "fixed disk".
  if (sector[0x10] === 2 && sector[0x15] === 0xf8) return undefined
  const partitions = [446, 462, 478, 494].map((offset) => readPartition(sector.subarray(offset, offset + 16)))
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

function readPartition(entry: Buffer): Partition {
  return {
    flag: entry.readUInt8(0),
    firstChs: entry.toString('hex', 1, 4),
    type: entry.readUInt8(4),
    firstSector: entry.readUInt32LE(8),
  }
}
