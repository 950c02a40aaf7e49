/** The test after which --bail ends the run, while the one in ends.spec.ts has its disk. */
import { expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const { READY = '' } = process.env

test('fails', async () => {
  while (!existsSync(READY)) await delay(20)
  expect(1).toBe(2)
})
