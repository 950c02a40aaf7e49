import { describe, expect, test } from 'vitest'
import { defineProvider } from '../../src/providers/provider.js'

const facts = {
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
}

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

  test('cannot be changed afterwards', () => {
    expect(defineProvider(facts)).toSatisfy(Object.isFrozen)
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
    ['no sources', { sources: [] }],
    ['a mirror with a word', { mirrors: ['https://mirror.example.org/{version}/'] }],
    ['an unknown word for a checksum file', { checksumFiles: ['{name}.sha256'] }],
    ['a digest of the wrong length', { knownDigests: { 'acme.qcow2': 'sha256:12' } }],
    ["an architecture by a publisher's name", { archNames: { amd64: 'amd64' } }],
  ])('refuses %s and shows what is enough', (_, change) => {
    const define = () => defineProvider({ ...facts, ...change })
    expect(define).toThrowError(expect.objectContaining({ code: 'INVALID_PROVIDER' }))
    expect(define).toThrowError(/\nEnough for a provider: { name, versionsUrl, imagesUrl, imagePattern }/)
  })
})
