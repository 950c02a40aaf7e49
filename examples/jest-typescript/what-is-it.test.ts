/** A disk tells what is on it, and can be larger than the publisher made it. */
import { statSync } from 'node:fs'
import { VmImageError } from 'vmimage'
import { useVmImage, type VmImage } from 'vmimage/jest'

test('the facts of a disk', async () => {
  const disk: VmImage = await useVmImage('debian:13')
  expect(disk).toMatchObject({ name: 'Debian', version: '13', trust: 'checksum' })
  expect(disk.digest).toMatch(/^sha512:[0-9a-f]{128}$/)
})

test('20 GiB for the guest, a few hundred KiB for the host', async () => {
  const disk = await useVmImage('fedora', { size: '20G' })
  expect(disk.virtualSizeBytes).toBe(20 * 1024 ** 3)
  expect(statSync(disk.path).size).toBeLessThan(1024 ** 2)
})

test('a system that nobody publishes', async () => {
  const error: unknown = await useVmImage('fedroa').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(VmImageError)
  expect(error).toMatchObject({ code: 'UNKNOWN_SYSTEM', message: expect.stringContaining('fedora') })
})
