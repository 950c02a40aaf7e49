import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { openTwo } from './two.js'

test('a literal', async () => {
  const image = await useVmImage({ url: 'https://images.test/one.qcow2', minimumTrust: 'unverified' })
  expect(image.fileName).toBe('one.qcow2')
})

test('a literal in a file that it imports', async () => {
  expect((await openTwo()).fileName).toBe('two.qcow2')
})

test('what only the run knows', async () => {
  await useVmImage(process.env['IMAGE'] ?? '')
})

test('a name that nobody has', async () => {
  await expect(useVmImage('fedoar')).rejects.toMatchObject({ code: 'UNKNOWN_SYSTEM' })
})
