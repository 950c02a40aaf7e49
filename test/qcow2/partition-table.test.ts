import { expect, test } from 'vitest'
import { findOddPartitionTable, findPartitionTable } from '../../src/qcow2/partition-table.js'

interface Entry {
  readonly flag?: number
  readonly chs?: readonly [number, number, number]
  readonly type: number
  readonly firstSector?: number
}

const linux: Entry = { flag: 0x80, type: 0x83, firstSector: 2048 }
const gpt: Entry = { type: 0xee, chs: [0, 2, 0], firstSector: 1 }

function sectorWith(...entries: readonly Entry[]): Buffer {
  const sector = Buffer.alloc(512)
  sector.writeUInt16LE(0xaa55, 510)
  for (const [index, { flag = 0, chs = [0, 0, 0], type, firstSector = 0 }] of entries.entries()) {
    const offset = 446 + 16 * index
    sector.set([flag, ...chs, type], offset)
    sector.writeUInt32LE(firstSector, offset + 8)
  }
  return sector
}

function fat(): Buffer {
  const sector = sectorWith()
  sector[0x10] = 2
  sector[0x15] = 0xf8
  return sector
}

test.each([
  ['one partition', sectorWith(linux)],
  ['four partitions', sectorWith(linux, linux, linux, linux)],
  ['a protected GPT', sectorWith(gpt)],
  ['a FAT file system', fat()],
])('nothing is odd about %s', (_, sector) => {
  expect(findOddPartitionTable(sector)).toBeUndefined()
})

const noProtection = 'its first sector does not protect the GPT as it should'

test.each([
  ['less than a sector', Buffer.alloc(511), 'it has no partition table'],
  ['no mark at the end', Buffer.alloc(512), 'it has no partition table'],
  ['no partition', sectorWith(), 'its partition table is empty'],
  ['boot flag 1', sectorWith({ ...linux, flag: 1 }), 'a partition has an impossible boot flag'],
  ['a GPT beside another partition', sectorWith(gpt, linux), noProtection],
  ['a GPT in the second place', sectorWith({ type: 0 }, gpt), noProtection],
  ['a GPT from sector 2', sectorWith({ ...gpt, firstSector: 2 }), noProtection],
  ['a GPT from another CHS address', sectorWith({ ...gpt, chs: [0, 1, 0] }), noProtection],
])('odd: %s', (_, sector, odd) => {
  expect(findOddPartitionTable(sector)).toBe(odd)
})

const gptAt = (offset: number) => {
  const head = Buffer.concat([sectorWith(gpt), Buffer.alloc(8192)])
  head.write('EFI PART', offset)
  return head
}

test.each([
  ['an MBR', sectorWith(linux), 'mbr'],
  ['a GPT of sectors of 512 bytes', gptAt(512), 'gpt'],
  ['a GPT of sectors of 4096 bytes', gptAt(4096), 'gpt'],
  ['an MBR that protects nothing', gptAt(513), 'mbr'],
  ['an MBR without partitions', sectorWith(), undefined],
  ['a FAT file system', fat(), undefined],
  ['no mark', Buffer.alloc(8192), undefined],
  ['less than a sector', Buffer.alloc(511), undefined],
])('the partition table of a disk with %s', (_, head, expected) => {
  expect(findPartitionTable(head)).toBe(expected)
})
