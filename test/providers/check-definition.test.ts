import { describe, expect, test } from 'vitest'
import type { ProviderDefinition } from '../../src/providers/definition.js'
import { defineProvider } from '../../src/providers/provider.js'

const facts = {
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
}

const site = { versionsUrl: facts.versionsUrl, imagesUrl: facts.imagesUrl }
const mirror = 'https://mirror.example.org/acme/'
const document = { image: '/{arch}/image', digest: '/{arch}/sha256' }
const signature = {
  form: 'checksums',
  file: '{checksums}.asc',
  fingerprints: ['AB'.repeat(20)],
  keyUrls: ['https://images.example.org/key.asc'],
} as const

describe('defineProvider()', () => {
  test.each<[string, object]>([
    ['no name', { name: undefined }],
    ['a name with capitals', { name: 'Acme' }],
    ['a name with a colon', { name: 'acme:1' }],
    ['an alias with a blank', { aliases: ['acme linux'] }],
    ['no address', { versionsUrl: undefined }],
    ['an address without a host', { imagesUrl: 'https:///{version}/' }],
    ['an address of another kind', { versionsUrl: 'ftp://images.example.org/acme/' }],
    ['a file of another machine', { versionsUrl: 'file://server/images/' }],
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
    ['versions beside their address', { versions: ['7'] }],
    ['an empty list of versions', { versionsUrl: undefined, versions: [] }],
    ['a JSON Pointer without its slash', { document: { ...document, image: 'image' } }],
    ['a document without a digest', { document: { image: '/image' } }],
    ['a document with an unknown field', { document: { ...document, sha256: '/sha256' } }],
    ['a document with an unknown word', { document: { ...document, image: '/{build}/image' } }],
    ['a text for a document', { document: '/image' }],
    ["an address's word by a publisher's name", { archDirectories: { amd64: 'amd64' } }],
    ['another name with a capital', { versionNames: { Stable: '13' } }],
    ['a number for a version', { versionNames: { stable: 13 } }],
    ['a text for an order', { versionOrder: '42.*' }],
    ['a kind of image for a version that is no range', { variants: [{ name: 'cloud', versions: '14.2' }] }],
    ['an unknown firmware', { firmware: ['coreboot'] }],
    ['no firmware at all', { firmware: [] }],
    ['true for a reason', { experimental: true }],
    ['a record for signatures', { signatures: signature }],
    ['an unknown form of a signature', { signatures: [{ ...signature, form: 'inline' }] }],
    ['a signature without a name', { signatures: [{ ...signature, file: undefined }] }],
    ['a clear-signed text with a name', { signatures: [{ ...signature, form: 'clear-signed' }] }],
    ['an unknown word for a signature', { signatures: [{ ...signature, file: '{name}.asc' }] }],
    [
      "a signature of an image by its checksum file's name",
      { signatures: [{ ...signature, form: 'image' }] },
    ],
    ['no fingerprints', { signatures: [{ ...signature, fingerprints: [] }] }],
    ['a short fingerprint', { signatures: [{ ...signature, fingerprints: ['A5DDB840'] }] }],
    ['a fingerprint in small letters', { signatures: [{ ...signature, fingerprints: ['ab'.repeat(20)] }] }],
    ['a key over plain http', { signatures: [{ ...signature, keyUrls: ['http://images.example.org/key'] }] }],
    ['signatures of a version that is no range', { signatures: [{ ...signature, versions: '9' }] }],
    ['an unknown word for what may be missing', { signatures: [{ ...signature, mayLack: 'image' }] }],
    ['a text for the version of packets', { signatures: [{ ...signature, isVersion3: 'yes' }] }],
    ['a lasting address with an unknown word', { imageUrl: 'https://images.example.org/{release}/{file}' }],
    ['a lasting address without its file', { imageUrl: 'https://images.example.org/{version}/' }],
    ['a lasting address without a host', { imageUrl: '/{version}/{file}' }],
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
    [[site, { ...site, imageUrls: site.imagesUrl }], 'imageUrls is "https'],
    [[site, { ...site, user: 0 }], 'user is 0, expected a text.'],
    [[site, { imagesUrl: site.imagesUrl }], 'or a versionsUrl (or versions) beside it.'],
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
