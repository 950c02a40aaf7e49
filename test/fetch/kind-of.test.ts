import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kindOf, kindOfFile } from '../../src/fetch/kind-of.js'
import { tempDir } from '../support/temp-dir.js'

test.each([
  ['QFI\xfb\0\0\0\x03', 'qcow2'],
  ['\xfd7zXZ\0\0', 'xz'],
  ['\x1f\x8b\x08', 'gzip'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['BZh9', 'bzip2'],
  ['<!DOCTYPE html><html>', 'text/html'],
  ['\n  <HTML lang="en">', 'text/html'],
  ['<?xml version="1.0"?>', 'text/xml'],
  ['Not today.\n', 'text/plain'],
  ['\0\0\0\0', 'binary data of unknown kind'],
  ['', 'empty'],
])('kindOf() tells %j to be %s', (text, expected) => {
  expect(kindOf(Buffer.from(text, 'latin1'))).toBe(expected)
})

test('kindOfFile() looks at no more than the start', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await writeFile(path, Buffer.concat([Buffer.from('<html>'), Buffer.alloc(100_000)]))
  expect(await kindOfFile(path)).toBe('text/html')
})
