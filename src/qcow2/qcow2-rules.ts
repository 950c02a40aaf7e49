/**
 * Rules Q1 to Q13: what a qcow2 file keeps before it may be a base image. They are asked in this order, and each may
 * rely on those before it. The limits are QEMU's own where it has one (7.2, block/qcow2.c and block/qcow2.h).
 */
import { findForeignFormat, hasAt } from './foreign-formats.js'
import { extensionType, parseBitmapList, parseExtensions } from './header-extensions.js'
import {
  autoclear,
  clusterBytes,
  hasFeature,
  headerBytesOfVersion2,
  incompatible,
  leastHeaderBytesOfVersion3,
  mostL1Entries,
  type Qcow2Header,
} from './header.js'
import type { Rule } from './rule.js'

/** What the rules look at. */
interface Qcow2Evidence {
  readonly header: Qcow2Header
  /** The first 2 MiB of the file, so at least its first cluster. */
  readonly head: Buffer
  /** The last 512 bytes. */
  readonly tail: Buffer
  readonly fileSizeBytes: number
  readonly maxVirtualSizeBytes: number
}

interface Qcow2Rule extends Rule {
  /** What breaks the rule, as the middle of a sentence; undefined when nothing does. */
  readonly find: (evidence: Qcow2Evidence) => string | undefined
}

const damaged = 'The file is damaged or made to do harm: fetch it again from its publisher.'
const rewrite = 'If you trust the file, write it anew: qemu-img convert -f qcow2 -O qcow2 OLD NEW'
const mostRefcountTableBytes = 8n * 1024n * 1024n
const mostBitmaps = 64
const mostBitmapDirectoryBytes = 1024n * 65_535n
/** Offsets are signed numbers in QEMU. */
const offsetsEnd = 1n << 63n
const mostExtensions = 32
const leastClusterBitsOfExtendedL2 = 14
const secondFormatMarks = ['CD001', 'NSR02', 'NSR03'].map((mark) => Buffer.from(mark))

/** Asked before all others: without a header there is nothing to ask about. */
export const ruleOfHeader = {
  id: 'Q1',
  meaning: 'A qcow2 file has a whole header of version 2 or 3.',
  cure: 'Fetch the file again if it was cut short; an old version that you trust is converted with: qemu-img convert -O qcow2 OLD NEW',
  code: 'UNSUPPORTED_IMAGE',
} as const satisfies Rule

export const qcow2Rules: readonly Qcow2Rule[] = [
  {
    id: 'Q2',
    meaning: 'A base stands alone: it names no backing file, which could be any file of this machine.',
    cure: rewrite,
    find: ({ header }) =>
      when(header.backingNameOffset !== 0n || header.backingNameBytes !== 0, 'it names a backing file'),
  },
  {
    id: 'Q3',
    meaning: 'Clusters have 512 bytes to 2 MiB (9 to 21 bits).',
    cure: damaged,
    find: ({ header: { clusterBits } }) =>
      when(clusterBits < 9 || clusterBits > 21, `its clusters have ${clusterBits} bits`),
  },
  {
    id: 'Q4',
    meaning: 'The disk has a size above 0 that is a multiple of 512 and within the limit (4 TiB by default).',
    cure: 'Fetch the file again from its publisher; a disk beyond the limit cannot be a base.',
    find: ({ header: { virtualSizeBytes: size }, maxVirtualSizeBytes }) =>
      when(
        size === 0n || size % 512n !== 0n || size > BigInt(maxVirtualSizeBytes),
        `its disk has ${size} bytes (limit ${maxVirtualSizeBytes})`,
      ),
  },
  {
    id: 'Q5',
    meaning: 'The image is not encrypted.',
    cure: 'Decrypt it into a new file with qemu-img convert and its --object secret.',
    find: ({ header: { encryption } }) => when(encryption !== 0, `it is encrypted (method ${encryption})`),
  },
  {
    id: 'Q6',
    meaning:
      'The L1 table covers the disk, is aligned, has at most 4,194,304 entries and lies inside the file.',
    cure: damaged,
    find: ({ header, fileSizeBytes }) =>
      when(
        header.l1Entries > mostL1Entries ||
          header.l1Entries < leastL1Entries(header) ||
          !isInside(header, header.l1Offset, 8n * BigInt(header.l1Entries), fileSizeBytes),
        `its L1 table has ${header.l1Entries} entries at byte ${header.l1Offset}`,
      ),
  },
  {
    id: 'Q7',
    meaning:
      'The refcount table is aligned, has 1 cluster to 8 MiB, lies inside the file and beside the L1 table.',
    cure: damaged,
    find: ({ header, fileSizeBytes }) => {
      const bytes = BigInt(header.refcountTableClusters) * clusterBytes(header)
      return when(
        bytes === 0n ||
          bytes > mostRefcountTableBytes ||
          !isInside(header, header.refcountTableOffset, bytes, fileSizeBytes) ||
          isInL1Table(header, header.refcountTableOffset, bytes),
        `its refcount table has ${bytes} bytes at byte ${header.refcountTableOffset}`,
      )
    },
  },
  {
    id: 'Q8',
    meaning:
      'The image has no internal snapshots (thousands keep qemu-img busy for seconds), and a sound offset for them.',
    cure: 'If you trust the file, delete them with `qemu-img snapshot -d NAME FILE`; `qemu-img snapshot -l FILE` lists them.',
    find: ({ header }) =>
      when(
        // QEMU wants a sound offset of a table without entries too.
        header.snapshotCount !== 0 ||
          header.snapshotsOffset % clusterBytes(header) !== 0n ||
          header.snapshotsOffset >= offsetsEnd,
        `it has ${header.snapshotCount} internal snapshots at byte ${header.snapshotsOffset}`,
      ),
  },
  {
    id: 'Q9',
    meaning:
      'The image is clean, keeps its data in itself, and needs no feature but zstd and extended L2 entries.',
    cure: 'A dirty or corrupt image of your own is repaired by `qemu-img check -r all FILE`; fetch any other again.',
    find: findForbiddenFeature,
  },
  {
    id: 'Q10',
    meaning: 'The image does not call an external data file raw.',
    cure: damaged,
    find: ({ header }) =>
      when((header.autoclearFeatures & autoclear.rawExternalData) !== 0n, 'it has raw external data'),
  },
  {
    id: 'Q11',
    meaning:
      'Refcounts have at most 64 bits, the header fits its cluster, the compression type is the declared one.',
    cure: damaged,
    find: findBadHeaderEnd,
  },
  {
    id: 'Q12',
    meaning:
      'Header extensions fit the first cluster, are at most 32, name no data file or encryption, and at most 64 bitmaps.',
    cure: damaged,
    find: findBadExtension,
  },
  {
    id: 'Q13',
    meaning:
      'The file is not of a second format too (a CD, a VDI, VHD or DMG disk, a disk with a boot sector).',
    cure: damaged,
    find: findSecondFormat,
  },
]

function when(isBroken: boolean, found: string): string | undefined {
  return isBroken ? found : undefined
}

function leastL1Entries(header: Qcow2Header): bigint {
  const l2EntryBytes = hasFeature(header, incompatible.extendedL2) ? 16n : 8n
  const bytesPerL1Entry = (clusterBytes(header) * clusterBytes(header)) / l2EntryBytes
  return (header.virtualSizeBytes + bytesPerL1Entry - 1n) / bytesPerL1Entry
}

/** Whether a table begins at a cluster, not at the header's, and ends in the file. */
function isInside(header: Qcow2Header, offset: bigint, bytes: bigint, fileSizeBytes: number): boolean {
  return offset !== 0n && offset % clusterBytes(header) === 0n && offset + bytes <= BigInt(fileSizeBytes)
}

function isInL1Table({ l1Offset, l1Entries }: Qcow2Header, offset: bigint, bytes: bigint): boolean {
  return offset < l1Offset + 8n * BigInt(l1Entries) && l1Offset < offset + bytes
}

function findForbiddenFeature({ header }: Qcow2Evidence): string | undefined {
  if (hasFeature(header, incompatible.dirty)) return 'it is marked dirty: it was not closed properly'
  if (hasFeature(header, incompatible.corrupt)) return 'it is marked corrupt'
  if (hasFeature(header, incompatible.externalDataFile)) return 'it keeps its data in another file'
  const known = incompatible.compressionType | incompatible.extendedL2
  if (hasFeature(header, ~known)) {
    return `it needs unknown features (bits 0x${header.incompatibleFeatures.toString(16)})`
  }
  const isTooFine =
    hasFeature(header, incompatible.extendedL2) && header.clusterBits < leastClusterBitsOfExtendedL2
  return when(isTooFine, 'it has extended L2 entries with clusters below 16 KiB')
}

function findBadHeaderEnd({ header }: Qcow2Evidence): string | undefined {
  if (header.refcountOrder > 6) return `its refcounts have 2 ** ${header.refcountOrder} bits`
  const { headerBytes, compression } = header
  const least = header.version === 2 ? headerBytesOfVersion2 : leastHeaderBytesOfVersion3
  if (headerBytes < least || headerBytes % 8 !== 0 || headerBytes > clusterBytes(header)) {
    return `its header has ${headerBytes} bytes`
  }
  const declared = hasFeature(header, incompatible.compressionType) ? 1 : 0
  return when(compression !== declared, `its compression type is ${compression}, and ${declared} is declared`)
}

function findBadExtension({ header, head, fileSizeBytes }: Qcow2Evidence): string | undefined {
  const extensions = parseExtensions(
    head.subarray(header.headerBytes, Number(clusterBytes(header))),
    mostExtensions,
  )
  if (!extensions) return 'its header extensions run out of their cluster, or are too many'
  const has = (type: number) => extensions.some((extension) => extension.type === type)
  if (has(extensionType.dataFileName)) return 'it names an external data file'
  if (has(extensionType.encryptionHeader)) return 'it has an encryption header'
  const bitmaps = extensions.filter(({ type }) => type === extensionType.bitmaps)
  return when(
    bitmaps.some(({ data }) => !areSoundBitmaps(header, data, fileSizeBytes)),
    `it has more than ${mostBitmaps} bitmaps, or a broken list of them`,
  )
}

function areSoundBitmaps(header: Qcow2Header, data: Buffer, fileSizeBytes: number): boolean {
  const list = parseBitmapList(data)
  if (!list) return false
  // A program that knows no bitmaps has written to the image since, and QEMU does not read the list any more.
  if ((header.autoclearFeatures & autoclear.bitmaps) === 0n) return true
  return (
    list.count > 0 &&
    list.count <= mostBitmaps &&
    list.reserved === 0 &&
    list.directoryBytes > 0n &&
    list.directoryBytes <= mostBitmapDirectoryBytes &&
    isInside(header, list.directoryOffset, list.directoryBytes, fileSizeBytes)
  )
}

function findSecondFormat({ head, tail }: Qcow2Evidence): string | undefined {
  if (secondFormatMarks.some((mark) => hasAt(head, mark, 0x8001))) return 'it is a CD image too'
  // A mark at the start is none: there stands the one of qcow2.
  const foreign = findForeignFormat(head, tail)
  if (foreign) return `it is a ${foreign.name} too`
  return when(head.length >= 512 && head.readUInt16LE(510) === 0xaa55, 'it has the mark of a boot sector too')
}
