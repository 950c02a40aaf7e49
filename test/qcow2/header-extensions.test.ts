import { expect, test } from 'vitest'
import {
  backingFormat,
  extensionType,
  featureNames,
  parseExtensions,
  serialiseExtensions,
} from '../../src/qcow2/header-extensions.js'

const list = [backingFormat('raw'), featureNames]

const whole = { limit: 32, isCut: false }
const cut = { limit: 32, isCut: true }

test('extensions survive being written and read', () => {
  expect(parseExtensions(serialiseExtensions(list), whole)).toEqual({ list, fault: undefined })
})

test('each extension is padded to a multiple of 8 bytes', () => {
  expect(serialiseExtensions([backingFormat('raw')]).toString('hex')).toBe(
    'e2792aca0000000372617700000000000000000000000000',
  )
})

test('what follows the end mark is not read', () => {
  const bytes = Buffer.concat([serialiseExtensions(list), Buffer.alloc(64, 0xff)])
  expect(parseExtensions(bytes, whole)).toEqual({ list, fault: undefined })
  expect(parseExtensions(bytes, cut)).toEqual({ list, fault: undefined })
})

test('a list may end with the cluster instead of an end mark, but not with what was read of it', () => {
  const bytes = serialiseExtensions([backingFormat('qcow2')]).subarray(0, 16)
  expect(parseExtensions(bytes, whole)).toEqual({ list: [backingFormat('qcow2')], fault: undefined })
  expect(parseExtensions(bytes, cut).fault).toBe('length')
})

test('an extension that is longer than the bytes is a fault', () => {
  const bytes = serialiseExtensions([featureNames])
  expect(parseExtensions(bytes.subarray(0, 391), whole)).toEqual({ list: [], fault: 'length' })
  expect(parseExtensions(bytes.subarray(0, 392), whole)).toEqual({ list: [featureNames], fault: undefined })
})

test('more extensions than the limit are a fault', () => {
  const one = { type: extensionType.bitmaps, data: Buffer.alloc(0) }
  const bytes = serialiseExtensions([one, one, one])
  expect(parseExtensions(bytes, { limit: 3, isCut: false })).toEqual({
    list: [one, one, one],
    fault: undefined,
  })
  expect(parseExtensions(bytes, { limit: 2, isCut: false })).toEqual({ list: [one, one], fault: 'number' })
})
