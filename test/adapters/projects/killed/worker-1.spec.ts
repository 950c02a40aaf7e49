/** One of four workers; who runs them makes three copies of this file. */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

test.each(['debian:13', 'fedora', 'debian:13', 'fedora'])('opens a disk of %s', async (name) => {
  const disk = await useVmImage(name)
  console.log(`opened ${disk.path}`)
  expect(existsSync(disk.baseImage)).toBe(true)
  await delay(50) // somebody may be killed while it is open
})
