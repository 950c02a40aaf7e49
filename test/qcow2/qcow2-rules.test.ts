import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { gateRules } from '../../src/qcow2/gate.js'
import { extensionType, serialiseExtensions } from '../../src/qcow2/header-extensions.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { tempDir } from '../support/temp-dir.js'
import { refusalOf } from './refusal-of.js'

type Patch = (image: Buffer) => unknown

/** Offsets of header fields, from the specification and not from the code that is tested. */
const at = {
  version: 4,
  backingNameOffset: 8,
  backingNameBytes: 16,
  clusterBits: 20,
  virtualSize: 24,
  encryption: 32,
  l1Entries: 36,
  l1Offset: 40,
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  autoclear: 88,
  refcountOrder: 96,
  headerBytes: 100,
  compression: 104,
  extensions: 112,
} as const

const u32 =
  (offset: number, value: number): Patch =>
  (image) =>
    image.writeUInt32BE(value, offset)
const u64 =
  (offset: number, value: bigint): Patch =>
  (image) =>
    image.writeBigUInt64BE(value, offset)
const bytes =
  (offset: number, value: string): Patch =>
  (image) =>
    image.write(value, offset, 'latin1')
const both =
  (...patches: readonly Patch[]): Patch =>
  (image) => {
    for (const patch of patches) patch(image)
  }
const extensions =
  (...list: readonly (readonly [type: number, data: Buffer])[]): Patch =>
  (image) =>
    serialiseExtensions(list.map(([type, data]) => ({ type, data }))).copy(image, at.extensions)
/** A list of bitmaps that is marked as good, with its directory in cluster 5. */
const bitmaps = ({ count = 1, reserved = 0, size = 32n, offset = 327_680n, bytes: length = 24 }): Patch => {
  const data = Buffer.alloc(24)
  data.writeUInt32BE(count)
  data.writeUInt32BE(reserved, 4)
  data.writeBigUInt64BE(size, 8)
  data.writeBigUInt64BE(offset, 16)
  return both(u64(at.autoclear, 1n), extensions([extensionType.bitmaps, data.subarray(0, length)]))
}
const extensionsOfNoMeaning = (count: number): Patch =>
  extensions(...Array.from({ length: count }, () => [0x1234, Buffer.alloc(8)] as const))

/** A file of 8 clusters of 64 KiB whose header is changed by `patch`. */
function write(path: string, patch: Patch, version: 2 | 3 = 3): void {
  const image = smallQcow2('hostile', { version })
  patch(image)
  writeFileSync(path, image)
}

const fileBytes = 524_288n
const tib = 2n ** 40n

describe('a hostile qcow2 file is refused by its rule:', () => {
  test.each<[string, string, Patch]>([
    ['Q1', 'version 1', u32(at.version, 1)],
    ['Q1', 'version 4', u32(at.version, 4)],
    [
      'Q2',
      'a backing file',
      both(u64(at.backingNameOffset, 1024n), u32(at.backingNameBytes, 11), bytes(1024, '/etc/shadow')),
    ],
    ['Q2', 'an offset of a backing file alone', u64(at.backingNameOffset, 1n << 63n)],
    ['Q2', 'a length of a backing file alone', u32(at.backingNameBytes, 1)],
    ['Q3', 'clusters of 8 bits', u32(at.clusterBits, 8)],
    ['Q3', 'clusters of 22 bits', u32(at.clusterBits, 22)],
    ['Q3', 'clusters of 48 bits, which a shift of 32 bits takes for 16', u32(at.clusterBits, 48)],
    ['Q4', 'no size', u64(at.virtualSize, 0n)],
    ['Q4', 'half a sector', u64(at.virtualSize, 4_194_304n + 256n)],
    ['Q4', 'more than 4 TiB', u64(at.virtualSize, 4n * tib + 512n)],
    ['Q4', 'a size beyond all numbers', u64(at.virtualSize, 2n ** 64n - 512n)],
    ['Q5', 'AES', u32(at.encryption, 1)],
    ['Q5', 'LUKS', u32(at.encryption, 2)],
    ['Q6', 'an L1 table without entries', u32(at.l1Entries, 0)],
    ['Q6', 'an L1 table too short for the disk', u64(at.virtualSize, 512n * 1024n * 1024n + 512n)],
    [
      'Q6',
      'an L1 table too short for its finer L2 entries',
      both(u64(at.virtualSize, 256n * 1024n * 1024n + 512n), u64(at.incompatible, 16n)),
    ],
    ['Q6', 'an L1 table of 4,194,305 entries', u32(at.l1Entries, 4_194_305)],
    ['Q6', 'an L1 table at no cluster', u64(at.l1Offset, 196_608n + 512n)],
    ['Q6', 'an L1 table in the header', u64(at.l1Offset, 0n)],
    ['Q6', 'an L1 table behind the end', u64(at.l1Offset, fileBytes)],
    ['Q6', 'an L1 table that crosses the end', u32(at.l1Entries, 65_536)],
    ['Q6', 'an L1 table at the end of all numbers', u64(at.l1Offset, 2n ** 64n - 65_536n)],
    ['Q7', 'no refcount table', u32(at.refcountTableClusters, 0)],
    ['Q7', 'a refcount table in the header', u64(at.refcountTableOffset, 0n)],
    ['Q7', 'a refcount table at no cluster', u64(at.refcountTableOffset, 65_537n)],
    ['Q7', 'a refcount table behind the end', u64(at.refcountTableOffset, fileBytes)],
    ['Q7', 'a refcount table that crosses the end', u32(at.refcountTableClusters, 8)],
    ['Q7', 'a refcount table of more than 8 MiB', u32(at.refcountTableClusters, 129)],
    ['Q7', 'a refcount table that runs into the L1 table', u32(at.refcountTableClusters, 3)],
    ['Q7', 'a refcount table in the place of the L1 table', u64(at.refcountTableOffset, 196_608n)],
    [
      'Q7',
      'a refcount table that the L1 table runs into',
      both(u32(at.l1Entries, 8193), u64(at.refcountTableOffset, 262_144n)),
    ],
    ['Q8', 'an offset of snapshots at no cluster', u64(at.snapshotsOffset, 1n)],
    ['Q8', 'an offset of snapshots at the end of all numbers', u64(at.snapshotsOffset, 1n << 63n)],
    ['Q8', 'a snapshot', u32(at.snapshotCount, 1)],
    ['Q8', '65,536 snapshots', u32(at.snapshotCount, 65_536)],
    ['Q9', 'the dirty mark', u64(at.incompatible, 1n)],
    ['Q9', 'the corrupt mark', u64(at.incompatible, 2n)],
    ['Q9', 'an external data file', u64(at.incompatible, 4n)],
    ['Q9', 'an unknown feature', u64(at.incompatible, 1n << 5n)],
    ['Q9', 'the last unknown feature', u64(at.incompatible, 1n << 63n)],
    ['Q10', 'raw external data', u64(at.autoclear, 2n)],
    ['Q11', 'refcounts of 128 bits', u32(at.refcountOrder, 7)],
    ['Q11', 'a header of 96 bytes', u32(at.headerBytes, 96)],
    ['Q11', 'a header of 108 bytes', u32(at.headerBytes, 108)],
    ['Q11', 'a header longer than its cluster', u32(at.headerBytes, 65_544)],
    ['Q11', 'zstd that is not declared', bytes(at.compression, '\u0001')],
    ['Q11', 'zstd that is declared only', u64(at.incompatible, 8n)],
    ['Q11', 'compression type 2', both(bytes(at.compression, '\u0002'), u64(at.incompatible, 8n))],
    ['Q12', 'the name of a data file', extensions([extensionType.dataFileName, Buffer.from('/etc/shadow')])],
    ['Q12', 'an encryption header', extensions([extensionType.encryptionHeader, Buffer.alloc(16)])],
    ['Q12', '65 bitmaps', bitmaps({ count: 65 })],
    ['Q12', 'a list of no bitmaps', bitmaps({ count: 0 })],
    ['Q12', 'bitmaps with a number in the reserved place', bitmaps({ reserved: 1 })],
    ['Q12', 'bitmaps without a directory', bitmaps({ size: 0n })],
    ['Q12', 'bitmaps with a directory of 1 TiB', bitmaps({ size: tib })],
    ['Q12', 'bitmaps with a directory behind the end', bitmaps({ offset: fileBytes })],
    ['Q12', 'bitmaps with a directory that crosses the end', bitmaps({ size: 196_609n })],
    ['Q12', 'bitmaps with a directory at no cluster', bitmaps({ offset: 327_688n })],
    ['Q12', 'a list of bitmaps of another length', bitmaps({ bytes: 16 })],
    [
      'Q12',
      'an old list of bitmaps of another length',
      extensions([extensionType.bitmaps, Buffer.alloc(32)]),
    ],
    ['Q12', '33 extensions', extensionsOfNoMeaning(33)],
    [
      'Q12',
      'an extension longer than the cluster',
      both(u32(at.extensions, 0x1234), u32(at.extensions + 4, 0xffff_fff8)),
    ],
    ['Q13', 'a CD too', bytes(0x8001, 'CD001')],
    ['Q13', 'a UDF disk too', bytes(0x8001, 'NSR02')],
    ['Q13', 'a newer UDF disk too', bytes(0x8001, 'NSR03')],
    ['Q13', 'a VHD too', bytes(Number(fileBytes) - 512, 'conectix')],
    ['Q13', 'a DMG too', bytes(Number(fileBytes) - 512, 'koly')],
    ['Q13', 'a VDI too', u32(at.snapshotsOffset, 0x7f10_dabe)],
    ['Q13', 'a boot sector too', bytes(510, '\u0055\u00aa')],
  ])('%s: %s', async (id, _, patch) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    write(path, patch)
    const rule = gateRules.find((each) => each.id === id)
    const refused = refusalOf(path)
    expect(refused.message).toContain(`Cannot use "${path}" as a base image: it`)
    expect(refused.message).toContain(`. Rule ${id}: ${rule?.meaning}\n${rule?.cure}`)
    expect(refused.code).toBe(id === 'Q1' ? 'UNSUPPORTED_IMAGE' : 'UNSAFE_IMAGE')
  })

  test('Q9: extended L2 entries with clusters of 8 KiB', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    write(path, both(u64(at.incompatible, 16n), u32(at.clusterBits, 13), u64(at.virtualSize, 512n)))
    expect(refusalOf(path).message).toContain('Rule Q9')
  })

  test('Q2, Q5, Q12 and Q13 in version 2 too', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    const found = [
      u32(at.backingNameBytes, 1),
      u32(at.encryption, 1),
      both(u32(72, extensionType.dataFileName), u32(76, 4)),
      bytes(0x8001, 'CD001'),
    ].map((patch) => {
      write(path, patch, 2)
      return /Rule (Q\d+)/.exec(refusalOf(path).message)?.[1]
    })
    expect(found).toEqual(['Q2', 'Q5', 'Q12', 'Q13'])
  })
})

describe('a qcow2 file at the limit of a rule is let in:', () => {
  test.each<[string, Patch]>([
    ['nothing is changed', () => undefined],
    ['Q4 and Q6: the largest disk of one L1 entry', u64(at.virtualSize, 512n * 1024n * 1024n)],
    [
      'Q6: the largest disk of one L1 entry with extended L2',
      both(u64(at.virtualSize, 256n * 1024n * 1024n), u64(at.incompatible, 16n)),
    ],
    ['Q6: an L1 table up to the end of the file', u32(at.l1Entries, 40_960)],
    [
      'Q7: a refcount table from the end of the L1 table to that of the file',
      both(
        u32(at.l1Entries, 16_384),
        u64(at.l1Offset, 65_536n),
        u64(at.refcountTableOffset, 196_608n),
        u32(at.refcountTableClusters, 5),
      ),
    ],
    ['Q7: a refcount table up to the L1 table', u32(at.refcountTableClusters, 2)],
    ['Q8: an offset of no snapshots', u64(at.snapshotsOffset, (1n << 62n) + 65_536n)],
    ['Q9 and Q11: zstd', both(u64(at.incompatible, 8n), bytes(at.compression, '\u0001'))],
    ['Q10: bitmaps', u64(at.autoclear, 1n)],
    ['Q11: refcounts of 64 bits', u32(at.refcountOrder, 6)],
    ['Q11: the shortest header', both(u32(at.headerBytes, 104), u64(104, 0n))],
    ['Q11: a header as long as its cluster', u32(at.headerBytes, 65_536)],
    ['Q12: 64 bitmaps in a directory up to the end of the file', bitmaps({ count: 64, size: 196_608n })],
    [
      'Q12: an old list of bitmaps, which QEMU does not read',
      both(bitmaps({ size: tib }), u64(at.autoclear, 0n)),
    ],
    ['Q12: 32 extensions', extensionsOfNoMeaning(32)],
  ])('%s', async (_, patch) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    write(path, patch)
    expect(inspectImage(path).format).toBe('qcow2')
  })
})
