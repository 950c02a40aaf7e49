import { dirname } from 'node:path'
import { test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('opens a disk', async () => {
  const disk = await useVmImage(process.env['IMAGE'] ?? '')
  console.log(`run directory: ${dirname(disk.path)}`)
})
