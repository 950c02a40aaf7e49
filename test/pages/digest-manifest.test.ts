import { describe, expect, test } from 'vitest'
import { readChecksum } from '../../src/pages/checksums.js'
import { manifestDigests } from '../../src/pages/digest-manifest.js'

const url = 'https://images.example.org/debian-13-generic-amd64.json'
const file = 'debian-13-generic-amd64.qcow2'
/** 64 bytes, whose base64 without padding has 86 digits. */
const base64 = '12EiyHyUDRq5M09DB8mMAdxC8LSaIM3fJ41ZuS00q2PQWsH0Df/aPS0y44Hwl3Bu7mzL95pZa/ssuz2DxjWuNQ'
const hex = Buffer.from(base64, 'base64').toString('hex')
const other = `A${base64.slice(1)}`

function manifest(...uploads: readonly (readonly [ref: unknown, digest: unknown])[]): string {
  const items = uploads.map(([ref, digest]) => ({
    kind: 'Upload',
    metadata: { annotations: { 'cloud.debian.org/digest': digest } },
    data: { ref },
  }))
  return JSON.stringify({ kind: 'List', items }, undefined, 2)
}

describe('manifestDigests()', () => {
  test.each([
    ['without padding', `sha512:${base64}`],
    ['with padding', `sha512:${base64}==`],
  ])('reads base64 %s', (_, digest) => {
    const text = manifest(['trixie/1/x.raw', `sha512:${other}`], [`trixie/1/${file}`, digest])
    expect(manifestDigests(text, file)).toEqual([{ algorithm: 'sha512', hex }])
  })

  test.each([
    ['a longer name that ends alike', manifest([`trixie/1/x-${file}`, `sha512:${base64}`])],
    ['a longer name that begins alike', manifest([`trixie/1/${file}.xz`, `sha512:${base64}`])],
    ['a directory of that name', manifest([`${file}/disk.raw`, `sha512:${base64}`])],
    ['a digest that was cut', manifest([file, `sha512:${base64.slice(0, -4)}`])],
    ['a digest of another algorithm', manifest([file, `sha256:${base64}`])],
    ['a digest of an unknown algorithm', manifest([file, `blake2b:${base64}`])],
    ['a digest in hex', manifest([file, `sha512:${hex}`])],
    ['a digest with a stray character', manifest([file, `sha512:${base64.slice(1)}!`])],
    ['no digest', manifest([file, undefined])],
    ['a number for a digest', manifest([file, 5])],
    ['a number for a name', manifest([5, `sha512:${base64}`])],
    ['nothing in it', '{"items":[null,5,"x",[]]}'],
    ['no list', '{"items":{"0":{}}}'],
    ['half of it', manifest([file, `sha512:${base64}`]).slice(0, -1)],
  ])('finds nothing in a manifest with %s', (_, text) => {
    expect(manifestDigests(text, file)).toEqual([])
  })

  test('is one of the forms of a checksum file', () => {
    const body = manifest([`trixie/1/${file}`, `sha512:${base64}`])
    expect(readChecksum({ body, url }, file).digest).toEqual({ algorithm: 'sha512', hex })
  })

  test('is refused when it has two digests of one file', () => {
    const body = manifest([`trixie/1/${file}`, `sha512:${base64}`], [`trixie/2/${file}`, `sha512:${other}`])
    expect(() => readChecksum({ body, url }, file)).toThrowError(
      expect.objectContaining({ code: 'CHECKSUM_CONFLICT' }),
    )
  })
})
