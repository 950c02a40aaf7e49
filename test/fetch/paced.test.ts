import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { paced } from '../../src/fetch/paced.js'

test('paced() lets the first call through, and then ten in a second at most', async () => {
  let told = 0
  const tell = paced(() => (told += 1))
  const start = performance.now()
  tell()
  expect(told).toBe(1)
  while (performance.now() - start < 450) {
    tell()
    await sleep(1)
  }
  expect(told).toBeGreaterThan(2)
  expect(told).toBeLessThanOrEqual(5)
})
