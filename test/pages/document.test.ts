import { describe, expect, test } from 'vitest'
import { startMirror } from '../support/mirror.js'
import { readDocument } from '../../src/pages/document.js'
import { defineProvider } from '../../src/providers/index.js'
import { hex, otherHex } from '../resolve/acme-site.js'
import { resolveThrough } from '../resolve/resolve-through.js'

const pointers = { image: '/kvm/image', digest: '/kvm/sha256' }
const url = 'https://images.example.org/a/release.json'

function read(document: unknown, more: object = {}) {
  return readDocument({ url, body: JSON.stringify(document) }, { ...pointers, ...more })
}

function kvm(image: unknown, sha256: unknown = hex) {
  return { kvm: { image, sha256 }, base: 'https://files.example.org/b', odd: { 'a/b~c': 'x.qcow2' } }
}

describe('readDocument()', () => {
  test.each([
    ['disk.qcow2', {}, 'https://images.example.org/a/disk.qcow2'],
    ['disk.qcow2', { base: '/base' }, 'https://files.example.org/b/disk.qcow2'],
    ['/c/disk.qcow2', {}, 'https://images.example.org/c/disk.qcow2'],
    ['https://cdn.example.org/disk.qcow2', { base: '/base' }, 'https://cdn.example.org/disk.qcow2'],
    ['', { image: '/odd/a~1b~0c' }, 'https://images.example.org/a/x.qcow2'],
  ])('finds %j with %j at %s', (image, more, address) => {
    const name = address.slice(address.lastIndexOf('/') + 1)
    expect(read(kvm(image), more)).toEqual([
      {
        name,
        isDirectory: false,
        url: address,
        sizeBytes: undefined,
        digest: { algorithm: 'sha256', hex },
        digestUrl: url,
      },
    ])
  })

  test.each([
    ['nothing for the architecture', { vbox: {} }],
    ['a list', []],
    ['a text', 'kvm'],
    ['null', null],
    ['what every object has', { kvm: 'constructor' }],
  ])('has no image in a document with %s', (_, document) => {
    expect(read(document)).toEqual([])
  })

  test.each([
    ['no digest', kvm('disk.qcow2', null), 'no digest at /kvm/sha256'],
    ['a digest of no known length', kvm('disk.qcow2', 'ab'), 'no digest at /kvm/sha256'],
    ['a digest that is no hex', kvm('disk.qcow2', 'zz'.repeat(32)), 'no digest at /kvm/sha256'],
    ['a number for an address', kvm(7), 'no address of an image at /kvm/image'],
    ['an address over plain http', kvm('http://cdn.example.org/disk.qcow2'), 'no address'],
    ['an address of another kind', kvm('javascript:alert(1)'), 'no address'],
    ['an address of a file here', kvm('file:///etc/passwd'), 'no address'],
    ['a directory', kvm('images/'), 'no address'],
    ['a name that hides a slash', kvm('a%2Fdisk.qcow2'), 'no address'],
    ['a name with a control character', kvm('a%0Adisk.qcow2'), 'no address'],
  ])('refuses %s', (_, document, found) => {
    expect(() => read(document)).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE', message: expect.stringContaining(found) }),
    )
  })

  test.each(['', '<title>Hotel WiFi</title>', '{"kvm":'])('refuses %j, which is no complete JSON', (body) => {
    expect(() => readDocument({ url, body }, pointers)).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE' }),
    )
  })

  test('takes plain http from a document that came so itself', () => {
    const page = { url: 'http://images.example.org/release.json', body: JSON.stringify(kvm('disk.qcow2')) }
    expect(readDocument(page, pointers)[0]?.url).toBe('http://images.example.org/disk.qcow2')
  })
})

describe('a publisher with a document', () => {
  const provider = defineProvider({
    name: 'acme',
    imagesUrl: 'https://images.example.org/{variant}.json',
    document: { image: '/{arch}/image', digest: '/{arch}/sha256' },
    imagePattern: 'acme-{version}.{arch}.qcow2',
    archNames: { x86_64: 'amd64', aarch64: 'arm64', riscv64: 'riscv64' },
    variants: [{ name: 'stable' }, { name: 'next' }],
  })
  const files = {
    'images.example.org/stable.json': JSON.stringify({
      amd64: { image: 'acme-1.2.amd64.qcow2', sha256: hex },
      arm64: { image: 'acme-1.2.arm64.qcow2', sha256: otherHex },
    }),
    'images.example.org/next.json': JSON.stringify({
      amd64: { image: 'acme-1.3.amd64.qcow2', sha256: otherHex },
    }),
  }

  test.each([
    [{}, '1.2', hex],
    [{ version: '1' }, '1.2', hex],
    [{ arch: 'arm64' }, '1.2', otherHex],
    [{ variant: 'next' }, '1.3', otherHex],
  ])('has for %j version %s and its digest', async (request, version, digest) => {
    await using mirror = await startMirror(files)
    const image = await resolveThrough(mirror, { provider, ...request })
    expect(image).toMatchObject({ version, digest: { hex: digest }, trust: 'checksum' })
    expect(image.checksumUrl).toBe(`https://images.example.org/${image.variant}.json`)
  })

  test.each([{ version: '2' }, { arch: 'riscv64' }, { variant: 'next', arch: 'arm64' }])(
    'has nothing for %j',
    async (request) => {
      await using mirror = await startMirror(files)
      await expect(resolveThrough(mirror, { provider, ...request })).rejects.toMatchObject({
        code: 'NO_MATCH',
      })
    },
  )
})
