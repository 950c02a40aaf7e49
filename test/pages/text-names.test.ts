import { describe, expect, test } from 'vitest'
import { parseListing } from '../../src/pages/listing.js'
import { readTextNames } from '../../src/pages/text-names.js'

const url = 'https://cdn.example.org/2023.12/kvm/SHA256SUMS'
const sha256 = '60e0defb06db53075fe688153564317cde0e3bbe48ee831b3c2606cb79ca97a2'
const begin = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n'
const signature = '-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n'

describe('readTextNames()', () => {
  test.each([
    ['GNU text', `${sha256}  a.qcow2\n`],
    ['GNU binary', `${sha256} *a.qcow2\n`],
    ['a path from here', `${sha256}  ./a.qcow2\n`],
    ['BSD, with comments', `# a.qcow2: 42 bytes\nSHA256 (a.qcow2) = ${sha256}\n`],
    ['two digests of one file', `SHA512 (a.qcow2) = ${sha256}${sha256}\nSHA256 (a.qcow2) = ${sha256}\n`],
    ['a list of itself', `${sha256}  a.qcow2\n${sha256}  SHA256SUMS\n`],
    ['a clear-signed text', `${begin}${sha256}  a.qcow2\n${signature}`],
  ])('lists what a checksum file names, and that file itself: %s', (_, text) => {
    expect(readTextNames(text, url)).toEqual([{ name: 'a.qcow2' }, { name: 'SHA256SUMS' }])
  })

  test('lists nothing but what it names when the checksum file is the index of a directory', () => {
    expect(readTextNames(`${sha256}  a.qcow2\n`, new URL('.', url).href)).toEqual([{ name: 'a.qcow2' }])
  })

  test('gives the addresses of the directory that a redirect led to', () => {
    expect(parseListing({ body: `${sha256}  a.qcow2\n`, url }).map((entry) => entry.url)).toEqual([
      'https://cdn.example.org/2023.12/kvm/a.qcow2',
      url,
    ])
  })

  test.each([
    ['plain', 'di.qcow2 1501626368\ndi.qcow2.asc\t833\n'],
    ['with comments', '# Latest as of Sun, 04 Oct 2026\n# ts=1\ndi.qcow2 1501626368\ndi.qcow2.asc 833'],
    ['clear-signed', `${begin}# ts=1\ndi.qcow2 1501626368\r\ndi.qcow2.asc 833\n${signature}`],
    [
      'with lines that nobody signed',
      `x.img 1\n${begin}di.qcow2 1501626368\ndi.qcow2.asc 833\n${signature}y.img 2\n`,
    ],
  ])('reads names with sizes to the byte, %s', (_, text) => {
    expect(readTextNames(text, url)).toEqual([
      { name: 'di.qcow2', sizeBytes: 1_501_626_368 },
      { name: 'di.qcow2.asc', sizeBytes: 833 },
    ])
  })

  test.each([
    ['one line that is none', `${sha256}  a.qcow2\nb.qcow2 is new\n`],
    ['one line without a size', 'a.qcow2 42\nb.qcow2\n'],
    ['one line with a size', `${sha256}  a.qcow2\na.qcow2 42\n`],
    ['a size that no file has', 'a.qcow2 1234567890123456\n'],
    ['a size with a unit', 'a.qcow2 557M\n'],
    ['a status with its text', 'Error 404\n'],
    ['nothing between begin and signature', `${begin}${signature}`],
    ['a signature without an end', `${begin}a.qcow2 42\n`],
    ['a hash alone', `${sha256}\n`],
  ])('refuses a text with %s', (_, text) => {
    expect(() => readTextNames(text, url)).toThrowError(
      expect.objectContaining({ code: 'LISTING_UNREADABLE', message: expect.stringContaining(url) }),
    )
  })

  test.each([
    [
      'a checksum file',
      `${sha256}  ../evil.qcow2\n${sha256}  sub/b.qcow2\nSHA256 (/a.qcow2) = ${sha256}\n${sha256}  a.qcow2\n`,
    ],
    ['names with sizes', '20261004T164559Z/di.qcow2 1501626368\n../b.qcow2 1\na.qcow2 42\n'],
    ['names', '../b.qcow2\n/a.qcow2\nsub/a.qcow2\n..\\a.qcow2\na.qcow2\n'],
  ])('lets nothing out of the directory: %s', (_, body) => {
    const directory = new URL('.', url).href
    expect(parseListing({ body, url: directory }).map((entry) => entry.url)).toEqual([`${directory}a.qcow2`])
  })

  test('is a list of what lies elsewhere when every name has a directory', () => {
    const body = '20261004T164559Z/di.qcow2 1501626368\n'
    expect(() => parseListing({ body, url })).toThrowError(
      expect.objectContaining({
        code: 'LISTING_UNREADABLE',
        message: expect.stringContaining('20261004T164559Z/di.qcow2'),
      }),
    )
  })
})
