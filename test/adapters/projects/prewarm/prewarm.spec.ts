import { test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('one image is there', async () => {
  await useVmImage(process.env['IMAGE'] ?? '')
})

test('one is missing', async () => {
  await useVmImage('./missing.qcow2.xz')
})
