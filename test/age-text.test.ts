import { expect, test } from 'vitest'
import { ageText } from '../src/age-text.js'

const hourMs = 3_600_000

test.each([
  [9 * 24 * hourMs, '9 days'],
  [47 * hourMs, '47 hours'],
  [48 * hourMs, '2 days'],
  [25 * hourMs, '25 hours'],
  [119_000, '119 seconds'],
  [120_000, '2 minutes'],
  [1500, '1 second'],
  [0, '0 seconds'],
  [-5000, '0 seconds'],
])('ageText(%d) is %s', (ms, text) => {
  expect(ageText(ms)).toBe(text)
})
