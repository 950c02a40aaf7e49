import { beforeAll, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

beforeAll(async () => {
  await useVmImage(process.env['IMAGE'] ?? '')
})

test('fails on a shared disk', () => {
  expect(1).toBe(2)
})
