/** A disk tells what is on it, and can be larger than the publisher made it. */
import { statSync } from 'node:fs'
import { expect } from 'vitest'
import { test } from 'vmimage/vitest'

test('the facts of a disk', async ({ vmImage }) => {
  const disk = await vmImage('debian:13')
  expect(disk).toMatchObject({ name: 'Debian', version: '13', trust: 'checksum' })
  expect(disk.url).toContain('genericcloud')
  expect(disk.digest).toMatch(/^sha512:[0-9a-f]{128}$/)
})

test('20 GiB for the guest, a few hundred KiB for the host', async ({ vmImage }) => {
  const disk = await vmImage('fedora', { size: '20G' })
  expect(disk.virtualSizeBytes).toBe(20 * 1024 ** 3)
  expect(statSync(disk.path).size).toBeLessThan(1024 ** 2)
})
