import { describe, expect, test } from 'vitest'
import type { Arch } from '../../src/arch.js'
import { defineProvider, type ProviderDefinition } from '../../src/providers/index.js'
import { parseRequest } from '../../src/request/request.js'
import { askedVariant, defaultVariant } from '../../src/resolve/variant.js'
import { acmeWith } from './acme-site.js'

const kinds = [
  { name: 'Cloud', versions: '>=15' },
  { name: 'Plain', arches: ['x86_64'] },
  { name: 'Tiny', arches: ['aarch64'] },
] as const

function asked(facts: Partial<ProviderDefinition>, variant: string | undefined, arch: Arch = 'x86_64') {
  const request = parseRequest({ provider: acmeWith(facts), variant })
  return request.kind === 'named' ? askedVariant(request, arch) : expect.fail('it is no name')
}

describe('askedVariant()', () => {
  test.each([
    [undefined, undefined],
    ['Plain', 'Plain'],
    ['plain', 'Plain'],
    ['CLOUD', 'Cloud'],
  ])('reads %s as %s, by the spelling of the publisher', (variant, expected) => {
    expect(asked({ variants: kinds }, variant)).toBe(expected)
  })

  test('takes any word where the publisher has not said which there are', () => {
    expect(asked({ imagePattern: 'acme-{version}-{variant}.{arch}.qcow2' }, 'Base')).toBe('Base')
  })

  test('knows the kinds of a site with names of its own', () => {
    const { versionsUrl = '', imagesUrl } = acmeWith({}).sources[0] ?? expect.fail('it has no site')
    const imagePattern = 'acme-{version}-{variant}.{arch}.qcow2'
    const provider = defineProvider({
      name: 'acme',
      sources: [{ versionsUrl, imagesUrl, imagePattern }],
      imagePattern: 'acme-{version}.{arch}.qcow2',
    })
    const request = parseRequest({ provider, variant: 'lvm' })
    expect(request.kind === 'named' && askedVariant(request, 'x86_64')).toBe('lvm')
  })

  test.each<[Partial<ProviderDefinition>, Arch, string]>([
    [{}, 'x86_64', 'one kind of image only.\nLeave { variant } out.'],
    [
      { variants: kinds },
      'x86_64',
      'for x86_64: its publisher has no such kind of image.\nAsk for one that it has: Cloud, Plain.',
    ],
    [{ variants: kinds }, 'aarch64', 'Cloud, Tiny.'],
  ])('refuses a kind that the publisher %j does not make for %s', (facts, arch, cure) => {
    const ask = () => asked(facts, 'minimal', arch)
    expect(ask).toThrowError(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    expect(ask).toThrowError(cure)
  })

  test('refuses a kind that is made for other architectures only', () => {
    expect(() => asked({ variants: kinds }, 'Tiny')).toThrowError(/"Tiny" of "acme" for x86_64/)
  })
})

describe('defaultVariant()', () => {
  test.each<[Arch, string | undefined, string | undefined]>([
    ['x86_64', '15.1', 'Cloud'],
    ['x86_64', '14.9', 'Plain'],
    ['aarch64', '14.9', 'Tiny'],
    ['aarch64', undefined, 'Cloud'],
    ['s390x', '14.9', undefined],
  ])('is for %s and version %s: %s', (arch, version, expected) => {
    expect(defaultVariant(acmeWith({ variants: kinds }), arch, version)).toBe(expected)
  })

  test('goes by the order of the publisher, not of the numbers', () => {
    const provider = acmeWith({ variants: kinds, versionOrder: ['42.*'] })
    expect(defaultVariant(provider, 'x86_64', '42.3')).toBe('Plain')
  })

  test('is undefined where there are no kinds', () => {
    expect(defaultVariant(acmeWith({}), 'x86_64', '1')).toBeUndefined()
  })
})
