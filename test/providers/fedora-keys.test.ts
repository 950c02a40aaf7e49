import { expect, test } from 'vitest'
import { signedByRelease } from '../../src/providers/fedora-keys.js'
import { isInRange, parseVersionRange } from '../../src/version.js'

const signatures = signedByRelease({ form: 'image', file: '{file}.sig' })

function signaturesFor(version: string) {
  return signatures.filter(({ versions = '' }) =>
    isInRange(version, parseVersionRange(versions) ?? [], undefined),
  )
}

test.each(['24', '41', '42', '44', '44.20260707.3.1', '47', '48', '100'])(
  'release %s has one signer, with one key',
  (version) => {
    expect(signaturesFor(version)).toMatchObject([{ fingerprints: [expect.any(String)], form: 'image' }])
  },
)

test('each release has a key of its own', () => {
  const fingerprints = signatures.flatMap((signature) => signature.fingerprints)
  expect(new Set(fingerprints).size).toBe(signatures.length)
  expect(signaturesFor('44')[0]?.fingerprints).not.toEqual(signaturesFor('43')[0]?.fingerprints)
})

test.each([
  ['24', 'key'],
  ['41', 'key'],
  ['42', undefined],
  ['44', undefined],
  ['48', undefined],
])('release %s may lack nothing but the key of an old release: %s', (version, mayLack) => {
  expect(signaturesFor(version).map((signature) => signature.mayLack)).toEqual([mayLack])
})
