import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { acme } from './acme.js'

test('by its name, the newest version', async () => {
  const disk = await useVmImage('acme')
  expect(disk).toMatchObject({ name: 'Acme', version: '1.10', build: '20260101' })
})

test('by its name and version', async () => {
  const disk = await useVmImage('acme:1.9')
  expect(disk.build).toBe('20251201')
})

test('or as a value, which is the same image', async () => {
  const disk = await useVmImage({ provider: acme })
  expect(disk.version).toBe('1.10')
})
