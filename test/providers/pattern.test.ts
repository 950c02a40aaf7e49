import { describe, expect, test } from 'vitest'
import { fillTemplate, readName } from '../../src/providers/pattern.js'

const any = { arches: undefined, variants: undefined }

describe('fillTemplate()', () => {
  test('puts every word in its place', () => {
    expect(
      fillTemplate('{version}/{arch}/{version}-{build}', { version: '1.2', arch: 'arm64', build: '7' }),
    ).toBe('1.2/arm64/1.2-7')
  })

  test('says which word is missing, and which there are', () => {
    expect(() => fillTemplate('{codename}/', { version: '1.2', build: undefined })).toThrowError(
      expect.objectContaining({
        code: 'INVALID_PROVIDER',
        message: expect.stringContaining('only {version} is'),
      }),
    )
  })
})

describe('readName()', () => {
  test.each([
    ['acme-{version}-{build}', 'acme-1.10-20260712-2537', { version: '1.10', build: '20260712-2537' }],
    ['{codename}', 'trixie', { codename: 'trixie' }],
    ['v{version}', 'v3.10', { version: '3.10' }],
    ['a.{variant}+{arch}', 'a.UEFI-UKI+amd64', { variant: 'UEFI-UKI', arch: 'amd64' }],
    [/(?<version>\d+)-RELEASE/, '15-RELEASE', { version: '15' }],
  ])('reads with %s out of %s: %j', (pattern, name, expected) => {
    expect(readName(name, pattern, any)).toEqual(expected)
  })

  test.each([
    ['acme-{version}', 'acme-'],
    ['acme-{version}', 'acme-1.'],
    ['acme-{version}', 'my-acme-1'],
    ['acme-{version}', 'acme-1.2.asc'],
    ['acme.{version}', 'acme-1'],
    ['{codename}', 'bookworm-backports'],
    ['{build}', 'daily'],
    [/\d+/, '15.6'],
  ])('has no answer with %s for %s', (pattern, name) => {
    expect(readName(name, pattern, any)).toBeUndefined()
  })

  test('knows only the words of the vocabulary, when there is one', () => {
    const vocabulary = { arches: ['amd64'], variants: ['Generic', 'UEFI-UKI'] }
    expect(readName('UEFI-UKI.amd64', '{variant}.{arch}', vocabulary)).toEqual({
      variant: 'UEFI-UKI',
      arch: 'amd64',
    })
    expect(readName('Azure.amd64', '{variant}.{arch}', vocabulary)).toBeUndefined()
    expect(readName('Generic.x86_64', '{variant}.{arch}', vocabulary)).toBeUndefined()
  })

  test('gives a global RegExp no memory', () => {
    const pattern = /v(?<version>\d+)/g
    expect([readName('v1', pattern, any), readName('v1', pattern, any)]).toEqual([
      { version: '1' },
      { version: '1' },
    ])
  })
})
