import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineProvider, imageProviders } from '../../src/providers/index.js'
import { describeRequest, type ImageInput, parseRequest, requestKey } from '../../src/request/request.js'

const facts = {
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
}

function keyOf(input: ImageInput): string {
  return requestKey(parseRequest(input), 'x86_64')
}

describe('parseRequest()', () => {
  test.each<[ImageInput, string]>([
    [{}, 'fedora'],
    ['fedora', 'fedora'],
    ['Fedora:41', 'fedora:41'],
    [{ name: 'fedora', version: 41 }, 'fedora:41'],
    [{ name: 'fedora:41', arch: 'arm64' }, 'fedora:41 aarch64'],
    ['fedora:latest', 'fedora'],
    ['fedora:>=40  <43', 'fedora:>=40 <43'],
    ['debian-cloud:trixie', 'debian:trixie'],
    [{ name: 'fedora', version: /4\d/ }, 'fedora:/4\\d/'],
    [{ name: 'debian', variant: 'generic', build: '20260712-2537' }, 'debian generic build 20260712-2537'],
    [{ provider: defineProvider(facts), version: '1.10' }, 'acme:1.10'],
    ['https://host.example.org/a b.qcow2', 'https://host.example.org/a%20b.qcow2'],
    [{ url: 'http://host.example.org/disk.img', format: 'raw' }, 'http://host.example.org/disk.img'],
    ['/images/disk.qcow2', '/images/disk.qcow2'],
    ['file:///images/a%20b.qcow2', '/images/a b.qcow2'],
    ['./disk.qcow2', resolve('disk.qcow2')],
    ['../disk.qcow2', resolve('../disk.qcow2')],
    ['~/disk.qcow2', `${homedir()}/disk.qcow2`],
    [{ path: 'disk.qcow2' }, resolve('disk.qcow2')],
    ['FILE:///images/disk.qcow2', '/images/disk.qcow2'],
    ['file:/images/disk.qcow2', '/images/disk.qcow2'],
    [{ path: 'File:///images/disk.qcow2' }, '/images/disk.qcow2'],
    ['~', homedir()],
    [{ path: '~' }, homedir()],
    [{ path: '~other' }, resolve('~other')],
  ])('understands %j as %s', (input, meaning) => {
    expect(describeRequest(parseRequest(input))).toBe(meaning)
  })

  test('reads size and checksum of every kind of request', () => {
    const checksum = `SHA256:${'AB'.repeat(32)}`
    for (const kind of [{ name: 'fedora' }, { url: 'https://host.example.org/d' }, { path: '/d' }]) {
      expect(parseRequest({ ...kind, size: '20G', checksum })).toMatchObject({
        sizeBytes: 20 * 1024 ** 3,
        checksum: { algorithm: 'sha256', hex: 'ab'.repeat(32) },
      })
    }
  })

  test.each<[ImageInput, string]>([
    ['', 'a name, a URL or a path'],
    ['fedora 41', 'a name, a URL or a path'],
    ['fedora:', 'a name, a URL or a path'],
    ['images/disk.qcow2', 'a name, a URL or a path'],
    ['ftp://host.example.org/disk.qcow2', 'a name, a URL or a path'],
    ['http:/host.example.org/disk.qcow2', 'a name, a URL or a path'],
    [{ name: 'fedora', url: 'https://host.example.org/d' }, 'one of name, provider, url, path'],
  ])('refuses %j and shows the valid forms', (input, wanted) => {
    const parse = () => parseRequest(input)
    const message = expect.stringContaining(wanted)
    expect(parse).toThrowError(expect.objectContaining({ code: 'INVALID_REQUEST', message }))
    expect(parse).toThrowError(/\nValid: "fedora", "fedora:41"/)
  })

  test.each<[ImageInput, string]>([
    ['https://', 'a whole address'],
    ['fedora:4 1', '"41", "15"'],
    ['debian:>=bookwurm', '"bookwurm": expected a number or a codename of the publisher (stretch, buster'],
    [{ name: 'ubuntu', version: 24.1 }, "version: '24.1' with its zeros"],
    [{ name: 'fedora', version: -1 }, 'version -1: expected a whole number, or a text such as "41"'],
    [{ name: 'fedora', version: Number.NaN }, 'version NaN: expected a whole number, or a text such as "41"'],
    [{ name: 'fedora:41', version: '42' }, 'no second one'],
    ['file://host.example.org/disk.qcow2', 'a file of this machine'],
    ['file:///a%2Fb', 'a file of this machine'],
    ['file:///a%00b', 'a file of this machine'],
    [{ path: '' }, 'the path of a file'],
    [{ path: 'a\0b' }, 'the path of a file'],
    [{ path: 'https://host.example.org/disk.qcow2' }, 'the path of a file'],
    [{ url: 'https://host.example.org/d', version: '1' }, 'nothing: a URL or a file is one image'],
    [{ name: 'fedora', format: 'raw' }, 'a provider knows its own format'],
    [{ path: '/d', format: 'vmdk' } as object, '"qcow2" or "raw"'],
    [{ name: 'fedora', size: '20GB' }, 'a number of bytes'],
    [{ nmae: 'fedora' } as object, 'one of name, provider'],
  ])('refuses %j for one of its fields and shows valid ones', (input, wanted) => {
    const parse = () => parseRequest(input)
    const message = expect.stringContaining(wanted)
    expect(parse).toThrowError(expect.objectContaining({ code: 'INVALID_REQUEST', message }))
    expect(parse).toThrowError(/\nValid: { name: "fedora", version: "41"/)
  })

  test.each<[ImageInput, string]>([
    ['fedroa', 'UNKNOWN_SYSTEM'],
    [{ name: 'fedora', arch: 'vax' }, 'UNKNOWN_ARCH'],
    [{ name: 'fedora', checksum: 'sha256:12' }, 'INVALID_REQUEST'],
  ])('refuses %j with %s', (input, code) => {
    expect(() => parseRequest(input)).toThrowError(expect.objectContaining({ code }))
  })

  test.each([
    [42, 'not 42'],
    [undefined, 'not undefined'],
    [null, 'not null'],
    [['fedora'], 'not an array'],
    [/fedora/, 'not /fedora/'],
    [{ name: 7 }, 'Field name of an image request is of type number, expected string.'],
    [{ name: {} }, 'Field name of an image request is of type object, expected string.'],
    [{ size: true }, 'of type boolean, expected string or number.'],
    [{ provider: {} }, 'of type object, expected result of defineProvider().'],
    [{ provider: { ...defineProvider(facts) } }, 'of type object, expected result of defineProvider().'],
    [{ provider: null, version: '13' }, 'Field provider of an image request is of type null'],
    [{ name: null }, 'of type null'],
    [{ name: 'fedora', version: null }, 'of type null'],
  ])('calls %j a mistake in the program', (input, found) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a caller without types can do
    const untyped = input as unknown as ImageInput
    expect(() => parseRequest(untyped)).toThrowError(TypeError)
    expect(() => parseRequest(untyped)).toThrowError(found)
  })
})

describe('requestKey()', () => {
  test.each<[ImageInput, ImageInput]>([
    ['fedora', { name: 'FEDORA-CLOUD', version: 'latest', arch: 'amd64' }],
    ['fedora:41', { name: 'fedora', version: 41, size: '20G' }],
    [{ provider: defineProvider(facts) }, { provider: defineProvider({ ...facts }) }],
    ['./disk.qcow2', { path: 'disk.qcow2', size: 512 }],
  ])('is the same for %j and %j', (one, other) => {
    expect(keyOf(one)).toBe(keyOf(other))
  })

  test.each<[ImageInput, ImageInput]>([
    ['fedora', 'fedora:41'],
    ['fedora', { name: 'fedora', arch: 'aarch64' }],
    ['fedora', { name: 'fedora', checksum: `sha256:${'0'.repeat(64)}` }],
    ['debian', { name: 'debian', variant: 'nocloud' }],
    [
      { name: 'fedora', version: /4/ },
      { name: 'fedora', version: /4/i },
    ],
    [
      { name: 'fedora', build: '1.1' },
      { name: 'fedora', build: /1.1/ },
    ],
    [{ path: '/disk' }, { path: '/disk', format: 'raw' }],
    [
      { provider: defineProvider(facts) },
      { provider: defineProvider({ ...facts, imagePattern: /acme-(?<arch>.+)/ }) },
    ],
  ])('differs between %j and %j', (one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other))
  })

  test('differs between a provider of the package and one of the same name', () => {
    const fedora = defineProvider({ ...imageProviders.find('fedora'), user: 'root' })
    expect(keyOf({ provider: fedora })).not.toBe(keyOf('fedora'))
  })
})
