import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { findForeignFormat, foreignFormats } from '../../src/qcow2/foreign-formats.js'

const nothing = Buffer.alloc(512)

test.each(foreignFormats)('$name is found by its magic at $at, and only there', (format) => {
  const [here, elsewhere] = [Buffer.alloc(512), Buffer.alloc(512)]
  const offset = format.at === 'last 512 bytes' ? 0 : format.at
  format.magic.copy(here, offset)
  format.magic.copy(elsewhere, offset + 1)
  const find = (bytes: Buffer) =>
    format.at === 'last 512 bytes' ? findForeignFormat(nothing, bytes) : findForeignFormat(bytes, nothing)
  expect(find(here)?.name).toBe(format.name)
  expect(find(elsewhere)).toBeUndefined()
})

test('a file that is compressed is found, and the cure unpacks it', () => {
  expect(findForeignFormat(gzipSync('disk'), nothing)?.remedy).toBe('gzip -dc OLD > NEW')
})

test('a raw disk is no foreign format, nor is a file of a few bytes', () => {
  expect(findForeignFormat(bootCounterDisk(), nothing)).toBeUndefined()
  expect(findForeignFormat(Buffer.from('KDM'), Buffer.from('KDM'))).toBeUndefined()
  expect(findForeignFormat(Buffer.alloc(0), Buffer.alloc(0))).toBeUndefined()
})
