import { describe, expect, test } from 'vitest'
import { chooseDigest, type Claims } from '../../src/resolve/digest-choice.js'

const nobody: Claims = {
  asked: undefined,
  known: undefined,
  published: undefined,
  signedBy: undefined,
  checksumUrl: 'https://host/SUMS',
  ceiling: 'checksum',
}
const one = { algorithm: 'sha256', hex: 'ab'.repeat(32) } as const
const other = { algorithm: 'sha256', hex: 'cd'.repeat(32) } as const
const longer = { algorithm: 'sha512', hex: 'ef'.repeat(64) } as const
const key = 'AB'.repeat(20)
const weak = { algorithm: 'md5', hex: '01'.repeat(16) } as const

describe('chooseDigest()', () => {
  test.each<[string, Partial<Claims>, object | undefined]>([
    ['nobody', {}, undefined],
    ['the publisher', { published: one }, { digest: one, trust: 'checksum' }],
    ['the package', { known: one }, { digest: one, trust: 'pinned' }],
    ['the caller', { asked: one }, { digest: one, trust: 'pinned' }],
    [
      'the caller before the publisher',
      { asked: longer, published: one },
      { digest: longer, trust: 'pinned' },
    ],
    ['the package before the publisher', { known: one, published: weak }, { digest: one, trust: 'pinned' }],
    ['all alike', { asked: one, known: one, published: one }, { digest: one, trust: 'pinned' }],
    ['the publisher with md5', { published: weak }, { digest: weak, trust: 'unverified' }],
    [
      'the publisher over plain http',
      { published: one, checksumUrl: 'http://host/SUMS' },
      { digest: one, trust: 'unverified' },
    ],
    ['the caller with md5', { asked: weak }, { digest: weak, trust: 'unverified' }],
    [
      'the publisher before the caller with md5',
      { asked: weak, published: one },
      { digest: one, trust: 'checksum' },
    ],
    ['the package before the caller with md5', { asked: weak, known: one }, { digest: one, trust: 'pinned' }],
    [
      'the publisher no more than the provider says',
      { published: one, ceiling: 'unverified' },
      { digest: one, trust: 'unverified' },
    ],
    [
      'the caller whatever the provider says',
      { asked: one, ceiling: 'unverified' },
      { digest: one, trust: 'pinned' },
    ],
    [
      'the publisher who signs',
      { published: one, signedBy: key },
      { digest: one, trust: 'signed', signedBy: key },
    ],
    [
      'the publisher who signs, also over plain http',
      { published: one, signedBy: key, checksumUrl: 'http://host/SUMS' },
      { digest: one, trust: 'signed', signedBy: key },
    ],
    [
      'the caller before the publisher who signs',
      { asked: longer, published: one, signedBy: key },
      { digest: longer, trust: 'pinned' },
    ],
    [
      'the publisher who signs md5 no more than md5',
      { published: weak, signedBy: key },
      { digest: weak, trust: 'unverified' },
    ],
  ])('believes %s', (_, claims, expected) => {
    const choice = expected && { signedBy: undefined, ...expected }
    expect(chooseDigest('disk', { ...nobody, ...claims })).toEqual(choice)
  })

  test.each<[string, Partial<Claims>, string]>([
    ['caller and publisher', { asked: one, published: other }, 'the request says sha256:ab'],
    ['caller and package', { asked: one, known: other }, 'vmimage says sha256:cd'],
    [
      'caller and publisher in md5',
      { asked: weak, known: one, published: { ...weak, hex: '02'.repeat(16) } },
      'the request says md5:01',
    ],
    ['package and publisher', { known: one, published: other }, 'its publisher says sha256:cd'],
  ])('refuses what %s disagree on, and shows both', (_, claims, shown) => {
    expect(() => chooseDigest('disk', { ...nobody, ...claims })).toThrowError(
      expect.objectContaining({ code: 'CHECKSUM_CONFLICT', message: expect.stringContaining(shown) }),
    )
  })
})
