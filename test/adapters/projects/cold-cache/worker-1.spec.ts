/** One of eight processes; the test makes the other seven copies of this file. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openVmImage } from 'vmimage'

test('opens a disk', async () => {
  writeFileSync(`ready-${process.pid}`, '')
  while (readdirSync('.').filter((name) => name.startsWith('ready-')).length < 8) await delay(20)
  await using image = await openVmImage('debian:13', { arch: 'x86_64' })
  expect(image.version).toBe('13')
  expect(existsSync(image.baseImage)).toBe(true)
})
