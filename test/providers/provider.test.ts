import { describe, expect, test } from 'vitest'
import type { ProviderDefinition } from '../../src/providers/definition.js'
import { defineProvider, isProvider } from '../../src/providers/provider.js'

const facts = {
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
}

const mirror = 'https://mirror.example.org/acme/'
const document = { image: '/{arch}/image', digest: '/{arch}/sha256' }
const signature = {
  form: 'checksums',
  file: '{checksums}.asc',
  fingerprints: ['AB'.repeat(20)],
  keyUrls: ['https://images.example.org/key.asc'],
} as const

describe('defineProvider()', () => {
  test('needs three facts and a name; the rest has defaults', () => {
    expect(defineProvider(facts)).toMatchObject({
      displayName: 'Acme',
      aliases: [],
      sources: [{ versionPattern: '{version}', buildsUrl: undefined, mirrors: [] }],
      imagePattern: [{ pattern: facts.imagePattern }],
      variants: [],
      versionNames: {},
      versionOrder: [],
      signatures: [],
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
    const imagePattern = 'ACME-{version}.{arch}.img'
    expect(defineProvider({ ...provider, imagePattern })).toMatchObject({
      imagePattern: [{ pattern: imagePattern }],
      sources: [{ imagePattern: undefined }],
    })
  })

  test.each<[string, Partial<ProviderDefinition>]>([
    ['a word in an address', { imagesUrl: 'https://images.example.org/acme/{version}/{arch}/' }],
    ['a group of a RegExp', { imagePattern: /^acme\.(?<arch>\w+)$/ }],
    ['a single word of the publisher', { archNames: { x86_64: 'amd64' } }],
    ['a single architecture of the site', { arches: ['x86_64'] }],
  ])('knows the architecture of a file by %s', (_, change) => {
    expect(defineProvider({ ...facts, imagePattern: 'acme.qcow2', ...change }).name).toBe('acme')
  })

  test('has the user of one site beside that of all', () => {
    const { name, versionsUrl, imagesUrl, imagePattern } = facts
    const site = { versionsUrl, imagesUrl }
    const sources = [site, { ...site, user: 'root' }]
    const provider = defineProvider({ name, imagePattern, user: 'acme', sources })
    expect(provider.user).toBe('acme')
    expect(provider.sources.map(({ user }) => user)).toEqual([undefined, 'root'])
    expect(defineProvider({ ...facts, user: 'acme' }).sources[0]?.user).toBeUndefined()
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
    ['the versions, where nobody lists them', { versionsUrl: undefined, versions: ['7'] }],
    ['one list of all versions', { versionsUrl: undefined, imagesUrl: 'https://images.example.org/all/' }],
    [
      'a checksum file that lists',
      { versionsUrl: undefined, imagesUrl: 'https://images.example.org/latest/SHA256SUMS' },
    ],
    [
      'images that have a lasting address',
      { imageUrl: 'https://images.example.org/acme/{version}/{build}/{arch}/{file}' },
    ],
    ['channels in an address', { versionsUrl: 'https://images.example.org/acme/{variant}/' }],
    ['channels in the host', { versionsUrl: 'https://{variant}.example.org/acme/' }],
    [
      'a document',
      { versionsUrl: undefined, imagesUrl: 'https://images.example.org/{variant}.json', document },
    ],
    [
      'mirrors of a list of all versions',
      {
        versionsUrl: undefined,
        versions: ['7'],
        imagesUrl: 'https://images.example.org/acme/{version}/',
        mirrors: [mirror],
      },
    ],
    ['other words in addresses', { archNames: { x86_64: 'a' }, archDirectories: { x86_64: 'b' } }],
    ['other names of versions', { versionNames: { stable: '13' } }],
    ['an order of versions', { versionOrder: ['42.*', '15.0'] }],
    ['a kind of image since a version', { variants: [{ name: 'cloud', versions: '>=14.2' }] }],
    ['what it boots with', { firmware: ['bios', 'uefi'] }],
    ['why less is known of it', { experimental: 'Nobody has seen its checksums.' }],
    ['a checksum file elsewhere', { checksumFiles: ['https://www.example.org/{version}/{file}.sha256'] }],
    ['a signed checksum file', { signatures: [signature] }],
    ['signed images', { signatures: [{ ...signature, form: 'image', file: '{file}.{build}.sig' }] }],
    [
      'clear-signed checksum files',
      { signatures: [{ ...signature, form: 'clear-signed', file: undefined }] },
    ],
    ['signatures since a version', { signatures: [{ ...signature, versions: '>=2 <4', mayLack: 'key' }] }],
    ['signatures in packets of version 3', { signatures: [{ ...signature, isVersion3: true }] }],
    ['keys of installed packages', { signatures: [{ ...signature, keyUrls: [], keyrings: ['/usr/k.gpg'] }] }],
  ])('takes %s', (_, change) => {
    expect(defineProvider({ ...facts, ...change })).toMatchObject({ name: 'acme' })
  })
})

test('isProvider() tells what defineProvider() returned from a record that looks like it', () => {
  const provider = defineProvider(facts)
  expect(provider).toSatisfy(isProvider)
  for (const other of [{ ...provider }, facts, undefined, null, 'acme'])
    expect(other).not.toSatisfy(isProvider)
})
