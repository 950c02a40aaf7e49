import { expect, test } from 'vitest'
import { backoffMs, parseRetryAfter, pause } from '../../src/http/backoff.js'

const limits = { retryMs: 100, retryMaxMs: 1000 }

test.each([
  [1, 0.5, 100],
  [2, 0.5, 200],
  [3, 0.5, 400],
  [1, 0, 50],
  [1, 0.999, 149.9],
  [9, 0.5, 1000],
])('backoffMs() after %i failures, with the dice at %d, is %d', (failures, dice, expected) => {
  expect(backoffMs(failures, undefined, limits, () => dice)).toBeCloseTo(expected, 1)
})

test('backoffMs() is not below what the server asks for, and not above the limit', () => {
  expect(backoffMs(1, 700, limits)).toBe(700)
  expect(backoffMs(1, 5000, limits)).toBe(1000)
})

test.each([
  ['120', 120_000],
  [' 1 ', 1000],
  ['Thu, 01 Jan 1970 00:00:15 GMT', 5000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('parseRetryAfter() reads "%s" as %s ms', (value, expected) => {
  expect(parseRetryAfter(value, 10_000)).toBe(expected)
})

test('pause() ends at an abort with its reason', async () => {
  const reason = new Error('enough')
  await expect(pause(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('pause() needs no signal', async () => {
  await expect(pause(1, undefined)).resolves.toBeUndefined()
})
