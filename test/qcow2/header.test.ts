import { expect, test } from 'vitest'
import { newHeader, parseHeader, type Qcow2Header, serialiseHeader } from '../../src/qcow2/header.js'

/** Every field has a value of its own. */
const header: Qcow2Header = {
  version: 3,
  backingNameOffset: 0x0102_0304_0506_0708n,
  backingNameBytes: 21,
  clusterBits: 22,
  virtualSizeBytes: 0xffff_ffff_ffff_fe00n,
  encryption: 23,
  l1Entries: 24,
  l1Offset: 25n,
  refcountTableOffset: 26n,
  refcountTableClusters: 27,
  snapshotCount: 28,
  snapshotsOffset: 29n,
  incompatibleFeatures: 30n,
  compatibleFeatures: 31n,
  autoclearFeatures: 32n,
  refcountOrder: 33,
  headerBytes: 112,
  compression: 34,
}

test('a header of version 3 survives being written and read', () => {
  const bytes = serialiseHeader(header)
  expect(bytes).toHaveLength(112)
  expect(parseHeader(bytes)).toEqual(header)
})

test('a header of version 2 has 72 bytes, and its missing fields have the values of the specification', () => {
  const bytes = serialiseHeader({ ...header, version: 2 })
  expect(bytes).toHaveLength(72)
  expect(parseHeader(bytes)).toEqual({
    ...header,
    version: 2,
    incompatibleFeatures: 0n,
    compatibleFeatures: 0n,
    autoclearFeatures: 0n,
    refcountOrder: 4,
    headerBytes: 72,
    compression: 0,
  })
})

test('a header of 104 bytes ends before the compression type, which is zlib', () => {
  const bytes = Buffer.concat([serialiseHeader({ ...newHeader, headerBytes: 104 }), Buffer.from([1])])
  expect(bytes).toHaveLength(105)
  expect(parseHeader(bytes)?.compression).toBe(0)
})

test.each([
  ['the magic', 0, 0],
  ['version 1', 7, 1],
  ['version 4', 7, 4],
])('parseHeader() finds no header with %s wrong', (_, offset, value) => {
  const bytes = serialiseHeader(newHeader)
  bytes[offset] = value
  expect(parseHeader(bytes)).toBeUndefined()
})

test.each([
  [2, 71],
  [3, 103],
] as const)('parseHeader() finds no header of version %i in %i bytes', (version, length) => {
  const bytes = serialiseHeader({ ...newHeader, version })
  expect(parseHeader(bytes.subarray(0, length))).toBeUndefined()
  expect(parseHeader(bytes.subarray(0, length + 1))).toBeDefined()
})
