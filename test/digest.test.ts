import { describe, expect, test } from 'vitest'
import {
  algorithmOfHexLength,
  digestKey,
  digestOf,
  formatDigest,
  isWeak,
  parseDigest,
  sameDigest,
} from '../src/digest.js'

const hex = '0123456789abcdef'.repeat(4)

describe('digest', () => {
  test('parseDigest() reads what formatDigest() and digestKey() write, in any letter case', () => {
    const digest = parseDigest(`SHA256:${hex.toUpperCase()}`)
    expect(digest).toEqual({ algorithm: 'sha256', hex })
    expect(parseDigest(formatDigest(digest))).toEqual(digest)
    expect(parseDigest(digestKey(digest))).toEqual(digest)
  })

  test.each(['', hex, `sha256:${hex}0`, `sha256:${hex.slice(1)}g`, `crc32:${hex}`, `constructor:${hex}`])(
    'parseDigest() refuses "%s" and shows the form',
    (text) => {
      expect(() => parseDigest(text)).toThrow(/expected "<algorithm>:<hex>"[^]*sha256 \(64\)/)
    },
  )

  test('digestOf() checks the length for the algorithm', () => {
    expect(digestOf('sha512', hex)).toBeUndefined()
    expect(digestOf('sha512', hex + hex)).toEqual({ algorithm: 'sha512', hex: hex + hex })
  })

  test('algorithmOfHexLength() tells what a bare hash is', () => {
    expect([32, 40, 64, 96, 128, 10].map(algorithmOfHexLength)).toEqual([
      'md5',
      'sha1',
      'sha256',
      'sha384',
      'sha512',
      undefined,
    ])
  })

  test('isWeak() and sameDigest() tell algorithms apart', () => {
    expect([isWeak('md5'), isWeak('sha1'), isWeak('sha256')]).toEqual([true, true, false])
    expect(sameDigest({ algorithm: 'sha256', hex }, { algorithm: 'sha384', hex })).toBe(false)
    expect(sameDigest({ algorithm: 'sha256', hex }, { algorithm: 'sha256', hex })).toBe(true)
  })
})
