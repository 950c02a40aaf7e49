import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { findForeignFormat } from '../../src/qcow2/foreign-formats.js'

const nothing = Buffer.alloc(512)

/** A sector of ones with `mark` at `offset`. */
function sector(mark: string, offset = 0): Buffer {
  const bytes = Buffer.alloc(512, 0xff)
  bytes.write(mark, offset, 'latin1')
  return bytes
}

test.each([
  ['VMware disk (vmdk)', 'KDMV', 0],
  ['VMware disk (vmdk)', 'COWD', 0],
  ['VMware disk (vmdk)', '# Disk DescriptorFile', 0],
  ['VMware disk (vmdk)', 'version=1\n', 0],
  ['Hyper-V disk (vhdx)', 'vhdxfile', 0],
  ['VirtualBox disk (vdi)', '\u007f\u0010\u00da\u00be', 64],
  ['Virtual PC disk (vhd)', 'conectix', 0],
  ['QED disk', 'QED\0', 0],
  ['LUKS encrypted disk', 'LUKS\u00ba\u00be', 0],
  ['Parallels disk', 'WithoutFreeSpace', 0],
  ['Parallels disk', 'WithouFreSpacExt', 0],
  ['Bochs disk', 'Bochs Virtual HD Image', 0],
  ['compressed loop disk (cloop)', '#!/bin/sh\n#V2.0 Format\n', 0],
  ['gzip file', '\u001f\u008b', 0],
  ['xz file', '\u00fd7zXZ\0', 0],
  ['zstd file', '\u0028\u00b5\u002f\u00fd', 0],
  ['bzip2 file', 'BZh', 0],
])('%s is found by its mark %j at %d, and only there', (name, mark, offset) => {
  expect(findForeignFormat(sector(mark, offset), nothing)?.name).toBe(name)
  expect(findForeignFormat(sector(mark, offset + 1), nothing)).toBeUndefined()
  expect(findForeignFormat(sector(mark.slice(0, -1), offset), nothing)).toBeUndefined()
})

test('an old VHD, whose footer has 511 bytes, is found too', () => {
  expect(findForeignFormat(nothing, sector('conectix', 1))?.format).toBe('vhd')
})

test.each(['CD001', 'BEA01', 'NSR02', 'NSR03'])(
  'a CD is found by %s behind 16 sectors, and only there',
  (mark) => {
    const cd = (offset: number) => Buffer.concat([Buffer.alloc(offset), Buffer.from(mark), nothing])
    expect(findForeignFormat(cd(0x8001), nothing)?.format).toBe('iso')
    expect(findForeignFormat(cd(0x8000), nothing)).toBeUndefined()
  },
)

test.each([
  ['Virtual PC disk (vhd)', 'conectix'],
  ['Apple disk (dmg)', 'koly'],
])('%s is found by its mark %j at the start of the last sector, and only there', (name, mark) => {
  expect(findForeignFormat(nothing, sector(mark))?.name).toBe(name)
  expect(findForeignFormat(nothing, sector(mark, 2))).toBeUndefined()
})

test('the cure of a compressed file unpacks it', () => {
  expect(findForeignFormat(gzipSync('disk'), nothing)?.cure).toBe('Make a base of it: gzip -dc OLD > NEW')
})

test('the cure of a disk, which may name other files, speaks of trust', () => {
  expect(findForeignFormat(sector('version=1\n'), nothing)?.cure).toBe(
    'If you trust the file and all that it names, make a base of it: qemu-img convert -f vmdk -O qcow2 OLD NEW',
  )
})

test('a raw disk is no foreign format, nor is a file of a few bytes', () => {
  expect(findForeignFormat(bootCounterDisk(), nothing)).toBeUndefined()
  expect(findForeignFormat(Buffer.from('KDM'), Buffer.from('KDM'))).toBeUndefined()
  expect(findForeignFormat(Buffer.alloc(0), Buffer.alloc(0))).toBeUndefined()
})
