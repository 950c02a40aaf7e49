import { mkdirSync, rmdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LockWatch } from '../../src/store/lock-watch.js'
import { tempDir } from '../support/temp-dir.js'

/** A watch whose clock is set by hand. */
function startWatch(path = '/nowhere') {
  const clock = { ms: 0 }
  const watch = new LockWatch(path, () => clock.ms)
  /** Looks once a second for so long, and says for how long the lock has been silent then. */
  const look = (seconds: number) => {
    for (let second = 1; second <= seconds; second += 1) {
      clock.ms += 1000
      watch.silentMs()
    }
    return watch.silentMs()
  }
  return { clock, watch, look }
}

test('a lock is silent since this waiter looks, whatever its time of writing says', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'lock')
  mkdirSync(path)
  utimesSync(path, new Date(0), new Date(0))
  const { watch, look } = startWatch(path)
  expect(watch.silentMs()).toBe(0)
  expect(look(20)).toBe(20_000)
  utimesSync(path, new Date(1), new Date(1))
  expect(watch.silentMs()).toBe(0)
  expect(look(5)).toBe(5000)
  rmdirSync(path)
  mkdirSync(path)
  expect(watch.silentMs()).toBe(0)
})

test('a time in which nobody could look, because all was frozen, is no silence and no stall', async () => {
  await using dir = await tempDir()
  const { clock, watch, look } = startWatch(dir.path)
  expect(watch.silentMs()).toBe(0)
  watch.see(5000)
  expect(look(3)).toBe(3000)
  clock.ms += 3_600_000
  expect(watch.silentMs()).toBe(5000)
  watch.see(5000)
  expect(watch.stalledMs).toBe(5000)
})

test('the rate is that of the last ten seconds', () => {
  const { clock, watch } = startWatch()
  expect(watch.bytesPerSecond).toBeUndefined()
  watch.see(1_000_000)
  expect(watch.bytesPerSecond).toBeUndefined()
  for (let second = 1; second <= 30; second += 1) {
    clock.ms = second * 1000
    watch.see(1_000_000 + Math.max(0, second - 20) * 500)
  }
  expect(watch.bytesPerSecond).toBe(500)
})

test('a download that is begun anew has no rate yet, and is no stall', () => {
  const { clock, watch } = startWatch()
  watch.see(5000)
  clock.ms = 1000
  watch.see(6000)
  clock.ms = 2000
  watch.see(0)
  expect([watch.bytesPerSecond, watch.stalledMs]).toEqual([undefined, 0])
})

test('bytes that do not grow are a stall from the last growth on', () => {
  const { clock, watch } = startWatch()
  watch.see(5000)
  for (let second = 1; second <= 60; second += 1) {
    clock.ms = second * 1000
    watch.see(5000)
  }
  expect([watch.bytesPerSecond, watch.stalledMs]).toEqual([0, 60_000])
})
