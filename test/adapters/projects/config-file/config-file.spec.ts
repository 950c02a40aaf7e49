import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('a system of the configuration file', async () => {
  const image = await useVmImage('acme')
  expect(image).toMatchObject({ name: 'Acme', version: '10', arch: 'x86_64' })
})

test('an image of the plugin', async () => {
  await useVmImage(process.env['IMAGE'] ?? '')
})
