import { test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('does not end', { timeout: 0, skip: process.env['QUICK'] === 'yes' }, async () => {
  const disk = await useVmImage(process.env['IMAGE'] ?? '')
  console.log(`opened ${disk.path}`)
  await new Promise(() => {})
})

test('ends', async () => {
  await useVmImage(process.env['IMAGE'] ?? '')
})
