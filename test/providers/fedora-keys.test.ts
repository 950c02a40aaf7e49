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

test('only old releases may come without a signature, never those whose key is not known yet', () => {
  expect(signaturesFor('41')).toMatchObject([{ isOptional: true }])
  expect(['42', '44', '48'].flatMap(signaturesFor).map(({ isOptional }) => isOptional)).toEqual([
    false,
    false,
    false,
  ])
})
