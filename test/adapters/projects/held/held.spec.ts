/** Holds a disk until the file `over` is there, and then looks whether its base is what it was. */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test('holds a disk', { timeout: 0 }, async () => {
  const disk = await useVmImage(String(process.env['IMAGE']))
  const bytes = readFileSync(disk.baseImage)
  console.log(`opened ${disk.path}`)
  while (!existsSync('over')) await delay(50)
  expect(readFileSync(disk.baseImage).equals(bytes)).toBe(true)
})
