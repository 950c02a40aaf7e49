import { describe, expect, test } from 'vitest'
import { isEnough, isTrust, requireTrust, type Trust, trustNames } from '../src/trust.js'

const levels = ['unverified', 'checksum', 'signed', 'pinned'] as const

describe('isEnough()', () => {
  test.each(
    levels.flatMap((trust, has) => levels.map((minimum, wants) => [trust, minimum, has >= wants] as const)),
  )('%s for whoever wants %s: %s', (trust, minimum, enough) => {
    expect(isEnough(trust, minimum)).toBe(enough)
  })
})

test('isTrust() knows the levels and nothing else', () => {
  expect(levels.every(isTrust)).toBe(true)
  for (const other of ['', 'Signed', 'constructor', 2, undefined, null, ['signed']])
    expect(isTrust(other)).toBe(false)
  expect(trustNames).toBe('unverified, checksum, signed or pinned')
})

test.each<[Trust, Trust, string]>([
  ['unverified', 'checksum', 'no checksum, or one by md5 or from a server without https'],
  ['checksum', 'signed', 'without a signature'],
  ['signed', 'pinned', 'an OpenPGP signature'],
])(
  'requireTrust() says of %s below %s why it is so, and which words let it pass',
  (trust, minimum, ground) => {
    expect(() => requireTrust('acme x86_64', trust, minimum)).toThrow(
      expect.objectContaining({
        code: 'UNTRUSTED',
        message: expect.stringMatching(
          new RegExp(
            `^Cannot use "acme x86_64": its trust is "${trust}" \\(.*${ground}.*\\), and "${minimum}" or more.*\n` +
              `.*{ checksum: 'sha256:<hex>' }.*{ minimumTrust: '${trust}' }.*VMIMAGE_MINIMUM_TRUST=${trust}, on the command line --checksum and --minimum-trust ${trust}\\.$`,
          ),
        ),
      }),
    )
  },
)

test('requireTrust() takes what is trusted as much as is asked for', () => {
  for (const level of levels) requireTrust('acme', level, level)
})
