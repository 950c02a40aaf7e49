/** A test that fails once: the disk of its first try is kept, though the test passes at last. */
import { expect, jest, test } from '@jest/globals'
import { openDisks } from './disks.js'

jest.retryTimes(1)

let tries = 0
test('fails once', async () => {
  await openDisks()
  tries += 1
  expect(tries).toBe(2)
})
