import { expect, test } from 'vitest'
import { parseSize } from '../../src/request/size.js'

test.each([
  [1, 1],
  [1_073_741_824, 1_073_741_824],
  ['512', 512],
  ['1K', 1024],
  ['512M', 536_870_912],
  ['20G', 21_474_836_480],
  ['20 GiB', 21_474_836_480],
  ['1.5g', 1_610_612_736],
  ['1T', 1_099_511_627_776],
])('parseSize() reads %j as %d bytes', (size, bytes) => {
  expect(parseSize(size)).toBe(bytes)
})

test.each([
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  '0G',
  '-1G',
  '20GB',
  '20X',
  'G',
  '1.0000001K',
  '9999999T',
])('parseSize() refuses %j', (size) => {
  expect(() => parseSize(size)).toThrowError(expect.objectContaining({ code: 'INVALID_REQUEST' }))
})
