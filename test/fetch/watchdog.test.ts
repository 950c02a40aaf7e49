import { expect, test } from 'vitest'
import { startWatchdog } from '../../src/fetch/watchdog.js'

const limits = { stallMs: 100, slowBytesPerSecond: 1000, slowWindowMs: 300 }

/** The alarm that is raised while `readBytes` grows by so many bytes per millisecond; undefined after a second of peace. */
function alarmAt(bytesPerMs: number): Promise<string | undefined> {
  const start = performance.now()
  return new Promise((resolve) => {
    const watchdog = startWatchdog(
      limits,
      () => Math.floor((performance.now() - start) * bytesPerMs),
      (fault) => resolve(fault.message),
    )
    setTimeout(() => {
      watchdog.stop()
      resolve(undefined)
    }, 1000)
  })
}

test.each([
  ['nothing arrives', 0, 'no byte arrived for 100 ms'],
  ['bytes arrive too slowly', 0.5, expect.stringMatching(/^only (4|5)\d\d bytes arrived per second$/)],
  ['bytes arrive fast enough', 2, undefined],
])('When %s', async (_, bytesPerMs, expected) => {
  expect(await alarmAt(bytesPerMs)).toEqual(expected)
})

test('A watchdog that was stopped is silent', async () => {
  let alarms = 0
  startWatchdog(
    limits,
    () => 0,
    () => (alarms += 1),
  ).stop()
  expect(await alarmAt(2)).toBeUndefined()
  expect(alarms).toBe(0)
})
