/** The test after which -x ends the run, while the one in ends.spec.ts has its disk. */
import { expect, test } from '@playwright/test'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const { READY = '' } = process.env

test('fails', async () => {
  while (!existsSync(READY)) await delay(20)
  expect(1).toBe(2)
})
