import { existsSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

const image = process.env['IMAGE'] ?? ''

let shared = ''
beforeAll(async () => {
  shared = (await useVmImage(image)).path
})

test.concurrent.for([1, 2, 3])('concurrent tests need no context (%i)', async () => {
  const disk = await useVmImage(image)
  expect(existsSync(disk.path)).toBe(true)
  expect(existsSync(shared)).toBe(true)
})
