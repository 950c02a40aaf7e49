import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { VmImageError } from '../../src/errors.js'
import { parseClearSigned } from '../../src/signature/clear-signed.js'

const claim = { name: 'https://acme.example.org/CHECKSUM' }
const signature = '-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n'
const page = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\none \t\n- -two\n\nthree\n${signature}`

function codeOf(body: string): string | undefined {
  try {
    parseClearSigned(body, claim)
    return undefined
  } catch (error) {
    if (error instanceof VmImageError) return error.code
    throw error
  }
}

test('parseClearSigned() takes the text and the signature apart', () => {
  expect(parseClearSigned(page, claim)).toEqual({
    payload: 'one\n-two\n\nthree',
    armour: signature.trimEnd(),
  })
})

test.each([
  ['CRLF', page.replaceAll('\n', '\r\n')],
  ['blanks after the lines of the armour', page.replaceAll('-----\n', '----- \n')],
  ['text around it', `zero\n${page}four\n`],
  ['several hashes', page.replace('SHA256', 'SHA256,SHA512\nHash: SHA1')],
])('parseClearSigned() reads a page with %s', (_, body) => {
  expect(parseClearSigned(body, claim).payload).toBe('one\n-two\n\nthree')
})

test('parseClearSigned() reads an empty text', () => {
  expect(parseClearSigned(`-----BEGIN PGP SIGNED MESSAGE-----\n\n${signature}`, claim).payload).toBe('')
})

test.each([
  ['an unsigned text', 'one\ntwo\n'],
  ['a text whose markers were taken off', page.replaceAll(/-----.*-----\n/g, '')],
  ['a text whose signature was taken off', page.replace(signature, '')],
  ['a signature alone', signature],
  ['markers that do not begin their lines', page.replaceAll('-----BEGIN', ' -----BEGIN')],
])('parseClearSigned() finds no signature in %s', (_, body) => {
  expect(codeOf(body)).toBe('SIGNATURE_MISSING')
})

test.each([
  ['two blocks', page + page],
  ['a second text', `-----BEGIN PGP SIGNED MESSAGE-----\n\n${page}`],
  ['a second signature', page + signature],
  ['no end', page.replace('-----END PGP SIGNATURE-----\n', '')],
  ['the signature before the text', `${signature}-----BEGIN PGP SIGNED MESSAGE-----\n\none\n`],
  [
    'no empty line before the text',
    page.replace('Hash: SHA256\n\none', 'Hash: SHA256\none').replace('\n\n', '\n'),
  ],
  ['a header that hides text', page.replace('Hash: SHA256', 'Hash: SHA256\nComment: zero')],
  ['a bare dash', page.replace('- -two', '-two')],
])('parseClearSigned() refuses a page with %s', (_, body) => {
  expect(codeOf(body)).toBe('SIGNATURE_INVALID')
})

const anyLine = fc.oneof(fc.constantFrom(...page.split('\n'), '-', '- '), fc.string())
const anyLines = fc.array(anyLine, { maxLength: 30 })

function withoutMarkers(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.startsWith('-----'))
}

test('parseClearSigned() reads or refuses whatever it gets', () => {
  fc.assert(
    fc.property(anyLines, (lines) => {
      expect([undefined, 'SIGNATURE_MISSING', 'SIGNATURE_INVALID']).toContain(codeOf(lines.join('\n')))
    }),
  )
})

test('parseClearSigned() hands out every text as it was before its dashes were escaped', () => {
  fc.assert(
    fc.property(anyLines, anyLines, anyLines, (text, before, after) => {
      const escaped = text.map((line) => line.replace(/^-/, '- -'))
      const header = ['-----BEGIN PGP SIGNED MESSAGE-----', 'Hash: SHA512', '']
      const body = [
        ...withoutMarkers(before),
        ...header,
        ...escaped,
        signature,
        ...withoutMarkers(after),
      ].join('\n')
      const payload = text.map((line) => line.replace(/[ \t]+$/, '')).join('\n')
      expect(parseClearSigned(body, claim).payload).toBe(payload)
    }),
  )
})

test('parseClearSigned() takes no time for a line of blanks without end', () => {
  expect(codeOf(`${' '.repeat(3_000_000)}x`.repeat(3))).toBe('SIGNATURE_MISSING')
})
