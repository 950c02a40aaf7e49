import { expect, test } from 'vitest'
import { compressionOf, unpackedName } from '../src/compression.js'

test.each([
  ['disk.qcow2', 'none', 'disk.qcow2'],
  ['disk.qcow2.xz', 'xz', 'disk.qcow2'],
  ['disk.raw.GZ', 'gz', 'disk.raw'],
  ['disk.img.zst', 'zst', 'disk.img'],
  ['disk.img.bz2', 'bz2', 'disk.img'],
  ['disk.tar.xz', 'tar.xz', 'disk'],
  ['kali-2026.2.TAR.GZ', 'tar.gz', 'kali-2026.2'],
  ['disktar.xz', 'xz', 'disktar'],
  ['disk.tar', 'none', 'disk.tar'],
  ['xz', 'none', 'xz'],
])('%s is packed as %s and unpacks to %s', (file, compression, unpacked) => {
  expect(compressionOf(file)).toBe(compression)
  expect(unpackedName(file)).toBe(unpacked)
})
