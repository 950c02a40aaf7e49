/** Two disks of one failing test, where nothing but the test itself is there to keep them. */
import { expect, test } from 'vitest'
import { openDisks } from './disks.js'

test('passes', async () => {
  await openDisks()
})

test('fails', async () => {
  await openDisks()
  expect(1).toBe(2)
})
