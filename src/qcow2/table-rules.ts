/**
 * Rules Q6 to Q8: the tables that the header names. They begin at a cluster and lie inside the file, and so does what
 * the first two name in turn: a file that was cut short shows there. The limits are QEMU's own where it has one (7.2,
 * block/qcow2.c and block/qcow2.h).
 */
import { clusterBytes, hasFeature, incompatible, mostL1Entries, type Qcow2Header } from './header.js'
import { cures, isInside, offsetsEnd, type Qcow2Rule, when } from './qcow2-rule.js'

const mostRefcountTableBytes = 8n * 1024n * 1024n
/** In an entry of the L1 table the other bits are flags, and of the refcount table reserved. */
const l1OffsetBits = 0x00ff_ffff_ffff_fe00n
const refcountOffsetBits = 0xffff_ffff_ffff_fe00n

export const tableRules: readonly Qcow2Rule[] = [
  {
    id: 'Q6-small',
    meaning: 'The L1 table covers the disk.',
    cure: cures.damaged,
    find: ({ header }) =>
      when(
        header.l1Entries < neededL1Entries(header),
        `its L1 table has ${header.l1Entries} entries, and its disk needs ${neededL1Entries(header)}`,
      ),
  },
  {
    id: 'Q6-large',
    meaning: 'The L1 table has at most 4,194,304 entries.',
    cure: cures.damaged,
    find: ({ header: { l1Entries } }) =>
      when(l1Entries > mostL1Entries, `its L1 table has ${l1Entries} entries`),
  },
  {
    id: 'Q6-place',
    meaning: 'The L1 table begins at a cluster behind the header and lies inside the file.',
    cure: cures.fetchAgain,
    find: ({ header, fileSizeBytes }) =>
      when(
        !isInside(header, header.l1Offset, l1Bytes(header), fileSizeBytes),
        `its L1 table has ${l1Bytes(header)} bytes at byte ${header.l1Offset}, and the file has ${fileSizeBytes}`,
      ),
  },
  {
    id: 'Q6-entries',
    meaning: 'The L2 tables that the L1 table names begin at a cluster inside the file.',
    cure: cures.fetchAgain,
    find: ({ header, l1, fileSizeBytes }) => {
      const needed = l1.subarray(0, 8 * Number(neededL1Entries(header)))
      const bad = findBadEntry(header, needed, l1OffsetBits, fileSizeBytes)
      return when(bad !== undefined, `it names an L2 table at byte ${bad}, and the file has ${fileSizeBytes}`)
    },
  },
  {
    id: 'Q7-size',
    meaning: 'The refcount table has 1 cluster to 8 MiB.',
    cure: cures.damaged,
    find: ({ header }) => {
      const bytes = refcountTableBytes(header)
      return when(bytes === 0n || bytes > mostRefcountTableBytes, `its refcount table has ${bytes} bytes`)
    },
  },
  {
    id: 'Q7-place',
    meaning: 'The refcount table begins at a cluster behind the header and lies inside the file.',
    cure: cures.fetchAgain,
    find: ({ header, fileSizeBytes }) => {
      const bytes = refcountTableBytes(header)
      return when(
        !isInside(header, header.refcountTableOffset, bytes, fileSizeBytes),
        `its refcount table has ${bytes} bytes at byte ${header.refcountTableOffset}, and the file has ${fileSizeBytes}`,
      )
    },
  },
  {
    id: 'Q7-overlap',
    meaning: 'The refcount table lies beside the L1 table.',
    cure: cures.damaged,
    find: ({ header }) =>
      when(
        header.refcountTableOffset < header.l1Offset + l1Bytes(header) &&
          header.l1Offset < header.refcountTableOffset + refcountTableBytes(header),
        `its refcount table at byte ${header.refcountTableOffset} overlaps its L1 table at byte ${header.l1Offset}`,
      ),
  },
  {
    id: 'Q7-entries',
    meaning: 'The refcount blocks that the refcount table names begin at a cluster inside the file.',
    cure: cures.fetchAgain,
    find: ({ header, refcountTable, fileSizeBytes }) => {
      const needed = refcountTable.subarray(0, 8 * neededRefcountBlocks(header, fileSizeBytes))
      const bad = findBadEntry(header, needed, refcountOffsetBits, fileSizeBytes)
      return when(
        bad !== undefined,
        `it names a refcount block at byte ${bad}, and the file has ${fileSizeBytes}`,
      )
    },
  },
  {
    id: 'Q8',
    meaning: 'The image has no internal snapshots: thousands keep qemu-img busy for seconds.',
    cure: 'If you trust the file, delete them with `qemu-img snapshot -d NAME FILE`; `qemu-img snapshot -l FILE` lists them.',
    find: ({ header: { snapshotCount } }) =>
      when(snapshotCount !== 0, `it has ${snapshotCount} internal snapshot${snapshotCount === 1 ? '' : 's'}`),
  },
  {
    id: 'Q8-place',
    meaning: 'The table of snapshots begins at a cluster, and inside the file when it has entries.',
    cure: cures.damaged,
    find: ({ header, fileSizeBytes }) =>
      when(
        // QEMU wants a sound offset of a table without entries too.
        header.snapshotsOffset % clusterBytes(header) !== 0n ||
          header.snapshotsOffset >= (header.snapshotCount === 0 ? offsetsEnd : BigInt(fileSizeBytes)),
        `its snapshots are at byte ${header.snapshotsOffset}`,
      ),
  },
]

export function l1Bytes({ l1Entries }: Qcow2Header): bigint {
  return 8n * BigInt(l1Entries)
}

export function refcountTableBytes(header: Qcow2Header): bigint {
  return BigInt(header.refcountTableClusters) * clusterBytes(header)
}

function neededL1Entries(header: Qcow2Header): bigint {
  const l2EntryBytes = hasFeature(header, incompatible.extendedL2) ? 16n : 8n
  const bytesPerL1Entry = (clusterBytes(header) * clusterBytes(header)) / l2EntryBytes
  return (header.virtualSizeBytes + bytesPerL1Entry - 1n) / bytesPerL1Entry
}

/** How many refcount blocks it takes to count every cluster of the file. */
function neededRefcountBlocks(header: Qcow2Header, fileSizeBytes: number): number {
  const bytes = Number(clusterBytes(header))
  const refcountsPerBlock = (8 * bytes) / 2 ** Math.min(header.refcountOrder, 6)
  return Math.ceil(fileSizeBytes / bytes / refcountsPerBlock)
}

/** The first offset among `entries` that is no cluster of the file; 0 stands for nothing. */
function findBadEntry(
  header: Qcow2Header,
  entries: Buffer,
  offsetBits: bigint,
  fileSizeBytes: number,
): bigint | undefined {
  for (let at = 0; at + 8 <= entries.length; at += 8) {
    const offset = entries.readBigUInt64BE(at) & offsetBits
    const isBad = offset % clusterBytes(header) !== 0n || offset >= BigInt(fileSizeBytes)
    if (offset !== 0n && isBad) return offset
  }
  return undefined
}
