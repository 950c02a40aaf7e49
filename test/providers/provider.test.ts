import { describe, expect, test } from 'vitest'
import type { ProviderDefinition } from '../../src/providers/definition.js'
import { defineProvider, isProvider } from '../../src/providers/provider.js'

const facts = {
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
}

const site = { versionsUrl: facts.versionsUrl, imagesUrl: facts.imagesUrl }
const mirror = 'https://mirror.example.org/acme/'

describe('defineProvider()', () => {
  test('needs three facts and a name; the rest has defaults', () => {
    expect(defineProvider(facts)).toMatchObject({
      displayName: 'Acme',
      aliases: [],
      sources: [{ versionPattern: '{version}', buildsUrl: undefined, mirrors: [] }],
      imagePattern: [{ pattern: facts.imagePattern }],
      variants: [],
      knownDigests: {},
      trust: 'checksum',
      format: 'qcow2',
    })
  })

  test('ends addresses of directories with a slash', () => {
    const { sources } = defineProvider({ ...facts, versionsUrl: 'https://images.example.org/acme' })
    expect(sources[0]?.versionsUrl).toBe(facts.versionsUrl)
  })

  test('returns what cannot be changed afterwards, nor through the lists of the definition', () => {
    const aliases = ['acme-linux']
    const knownDigests: Record<string, string> = {}
    const provider = defineProvider({ ...facts, aliases, knownDigests, variants: [{ name: 'Base' }] })
    aliases.push('ACME')
    knownDigests['disk.qcow2'] = 'none'
    expect(provider).toMatchObject({ aliases: ['acme-linux'], knownDigests: {} })
    const parts = [provider, provider.aliases, provider.sources[0], provider.sources[0]?.mirrors]
    for (const part of [...parts, provider.imagePattern[0], provider.variants[0], provider.codenames]) {
      expect(part).toSatisfy(Object.isFrozen)
    }
  })

  test('leaves a RegExp usable', () => {
    const { imagePattern } = defineProvider({ ...facts, imagePattern: /acme\.(?<arch>\w+)/g })
    expect(imagePattern).toEqual([{ pattern: /acme\.(?<arch>\w+)/g }])
  })

  test('takes a provider as a definition', () => {
    const provider = defineProvider(facts)
    expect(defineProvider({ ...provider, user: 'root' })).toEqual({ ...provider, user: 'root' })
  })

  test.each<[string, Partial<ProviderDefinition>]>([
    ['a word in an address', { imagesUrl: 'https://images.example.org/acme/{version}/{arch}/' }],
    ['a group of a RegExp', { imagePattern: /^acme\.(?<arch>\w+)$/ }],
    ['a single word of the publisher', { archNames: { x86_64: 'amd64' } }],
    ['a single architecture of the site', { arches: ['x86_64'] }],
  ])('knows the architecture of a file by %s', (_, change) => {
    expect(defineProvider({ ...facts, imagePattern: 'acme.qcow2', ...change }).name).toBe('acme')
  })

  test('has mirrors for images that are below the list of versions', () => {
    const mirrors = ['https://mirror.example.org/acme']
    const { sources } = defineProvider({
      ...facts,
      versionsUrl: 'https://images.example.org/acme?json',
      mirrors,
    })
    expect(sources[0]?.mirrors).toEqual(['https://mirror.example.org/acme/'])
  })

  test.each<[string, object]>([
    ['no name', { name: undefined }],
    ['a name with capitals', { name: 'Acme' }],
    ['a name with a colon', { name: 'acme:1' }],
    ['an alias with a blank', { aliases: ['acme linux'] }],
    ['no address', { versionsUrl: undefined }],
    ['an address without a host', { imagesUrl: 'https:///{version}/' }],
    ['an address of a file', { versionsUrl: 'file:///srv/images/' }],
    ['a word in the host', { imagesUrl: 'https://{version}.example.org/' }],
    ['a word in the wrong place', { versionsUrl: 'https://images.example.org/{version}/' }],
    ['a build without a list of builds', { imagesUrl: 'https://images.example.org/{version}/{build}/' }],
    ['an unknown word', { imagePattern: 'acme-{release}.qcow2' }],
    ['no pattern', { imagePattern: undefined }],
    ['an empty pattern', { imagePattern: '' }],
    ['no patterns', { imagePattern: [] }],
    ['a version that is no range', { imagePattern: [{ versions: '41', pattern: 'acme.qcow2' }] }],
    ['a mirror with a word', { mirrors: ['https://mirror.example.org/{version}/'] }],
    ['an unknown word for a checksum file', { checksumFiles: ['{name}.sha256'] }],
    ['a digest of the wrong length', { knownDigests: { 'acme.qcow2': 'sha256:12' } }],
    ["an architecture by a publisher's name", { archNames: { amd64: 'amd64' } }],
    ['nothing that tells the architecture', { imagePattern: 'acme-{version}.qcow2' }],
    ['a RegExp that does not tell the architecture', { imagePattern: /^acme-(?<version>\d+)$/ }],
    [
      'two architectures that nothing tells apart',
      { imagePattern: 'acme.qcow2', archNames: { x86_64: 'amd64', aarch64: 'arm64' } },
    ],
    [
      'one of several patterns without an architecture',
      { imagePattern: [{ versions: '>=2', pattern: 'acme.{arch}' }, { pattern: 'acme' }] },
    ],
    ['a text for a list of aliases', { aliases: 'rocky' }],
    ['names for a list of variants', { variants: ['generic'] }],
    ['a variant without a name', { variants: [{ arches: ['x86_64'] }] }],
    ['a variant with an unknown field', { variants: [{ name: 'generic', arch: 'x86_64' }] }],
    ['an unknown format', { format: 'vmdk' }],
    ['an unknown trust', { trust: 'signed' }],
    ["architectures by a publisher's names", { arches: ['amd64'] }],
    ['no architectures', { arches: [] }],
    ['a codename with a capital', { codenames: { 13: 'Trixie' } }],
    ['an unknown field', { imagepattern: 'acme' }],
    ['sources beside an address', { sources: [site] }],
    ['a name of versions without a word', { versionPattern: 'v*' }],
    ['a RegExp for versions without a group', { versionPattern: /v(\d+)/ }],
    ['a name of builds without a word', { buildPattern: 'latest' }],
    ['a RegExp with a group that is no word', { imagePattern: /(?<arch>\w+)-(?<release>\d+)/ }],
    ['a text for a list of checksum files', { checksumFiles: 'SHA256SUMS' }],
    ['a RegExp for a checksum file', { checksumFiles: [/SHA/] }],
    ['a text for a list of mirrors', { mirrors: 'https://mirror.example.org/' }],
    [
      'mirrors of images that are elsewhere',
      { imagesUrl: 'https://images.example.org/acme-images/{version}/', mirrors: [mirror] },
    ],
    [
      'mirrors of versions for each architecture',
      {
        versionsUrl: 'https://images.example.org/{arch}/',
        imagesUrl: 'https://images.example.org/{arch}/{version}/',
        mirrors: [mirror],
      },
    ],
    ['null for a pattern', { imagePattern: null }],
    ['a number for a digest', { knownDigests: { a: 5 } }],
    ['a list for a record', { archNames: ['x86_64'] }],
    ['a number for a user', { user: 0 }],
    ['a word as a bound of a range', { imagePattern: [{ versions: '>=noble', pattern: 'acme.{arch}' }] }],
  ])('refuses %s and shows what is enough', (_, change) => {
    const define = () => defineProvider({ ...facts, ...change })
    expect(define).toThrowError(expect.objectContaining({ code: 'INVALID_PROVIDER' }))
    expect(define).toThrowError(/\nEnough for a provider: { name, versionsUrl, imagesUrl, imagePattern }/)
  })

  test.each<[object, string]>([
    [{ trust: 1n }, 'trust is 1n, expected "checksum" or "unverified".'],
    [{ imagePattern: null }, 'imagePattern is null, expected a template'],
    [{ variants: ['a', Number.NaN] }, "variants is [ 'a', NaN ], expected a list of { name, arches }."],
    [
      { imagepattern: 'a' },
      'imagepattern is "a", expected nothing: there is no such field here, only name, ',
    ],
    [{ versionPattern: /v/ }, 'versionPattern is /v/, expected {version} or {codename} in it.'],
  ])('says of %o what it found, and what it wants', (change, message) => {
    expect(() => defineProvider({ ...facts, ...change })).toThrowError(
      `Cannot define provider "acme": ${message}`,
    )
  })

  test.each([
    [[], 'sources is [], expected a list of one or more.'],
    [null, 'sources is null'],
    [site, 'sources is {'],
    ['https://images.example.org/', 'sources is "https'],
    [[site, null], 'sources is ['],
    [[site, { ...site, imageUrl: site.imagesUrl }], 'imageUrl is "https'],
    [[site, { imagesUrl: site.imagesUrl }], 'versionsUrl is undefined'],
  ])('refuses %j for sources', (sources, message) => {
    const { name, imagePattern } = facts
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a caller without types can do
    const definition = { name, imagePattern, sources } as unknown as ProviderDefinition
    expect(() => defineProvider(definition)).toThrowError(message)
  })

  test.each([[undefined], [null], ['acme']])('calls %j a mistake in the program', (definition) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a caller without types can do
    const untyped = definition as unknown as ProviderDefinition
    expect(() => defineProvider(untyped)).toThrowError(TypeError)
  })
})

test('isProvider() tells what defineProvider() returned from a record that looks like it', () => {
  const provider = defineProvider(facts)
  expect(provider).toSatisfy(isProvider)
  for (const other of [{ ...provider }, facts, undefined, null, 'acme'])
    expect(other).not.toSatisfy(isProvider)
})
