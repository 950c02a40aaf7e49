import { expect, test } from 'vitest'
import {
  backingFormat,
  extensionType,
  featureNames,
  parseExtensions,
  serialiseExtensions,
} from '../../src/qcow2/header-extensions.js'

const list = [backingFormat('raw'), featureNames]

test('extensions survive being written and read', () => {
  expect(parseExtensions(serialiseExtensions(list), 32)).toEqual(list)
})

test('each extension is padded to a multiple of 8 bytes', () => {
  expect(serialiseExtensions([backingFormat('raw')]).toString('hex')).toBe(
    'e2792aca0000000372617700000000000000000000000000',
  )
})

test('what follows the end mark is not read', () => {
  const bytes = Buffer.concat([serialiseExtensions(list), Buffer.alloc(64, 0xff)])
  expect(parseExtensions(bytes, 32)).toEqual(list)
})

test('a list may end with its bytes instead of an end mark', () => {
  const bytes = serialiseExtensions([backingFormat('qcow2')]).subarray(0, 16)
  expect(parseExtensions(bytes, 32)).toEqual([backingFormat('qcow2')])
})

test('an extension that is longer than the bytes makes the list unreadable', () => {
  const bytes = serialiseExtensions([featureNames])
  expect(parseExtensions(bytes.subarray(0, 391), 32)).toBeUndefined()
  expect(parseExtensions(bytes.subarray(0, 392), 32)).toEqual([featureNames])
})

test('more extensions than the limit make the list unreadable', () => {
  const one = { type: extensionType.bitmaps, data: Buffer.alloc(0) }
  const bytes = serialiseExtensions([one, one, one])
  expect(parseExtensions(bytes, 3)).toHaveLength(3)
  expect(parseExtensions(bytes, 2)).toBeUndefined()
})
