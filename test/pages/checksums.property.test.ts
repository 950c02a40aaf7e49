import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Digest, parseDigest, formatDigest } from '../../src/digest.js'
import { VmImageError } from '../../src/errors.js'
import { type Checksum, readChecksum } from '../../src/pages/checksums.js'
import { anyText, mutated } from '../support/texts.js'

const url = 'https://images.example.org/SHA256SUMS'
const file = 'disk-1.10.x86_64.qcow2'
const sha256 = '55c60a3b80d3616a08705afd0459e75fe9f03c54aba7a46e4002a41a72fa0d5b'
const other = '809a34279fdce4ecbdfa9e7bebd27ee3d255cb90d6ad83e7fb15211634cf95f9'
const base64 = '12EiyHyUDRq5M09DB8mMAdxC8LSaIM3fJ41ZuS00q2PQWsH0Df/aPS0y44Hwl3Bu7mzL95pZa/ssuz2DxjWuNQ'

const pages = [
  `${other}  ${file}.xz\n${sha256}  ${file}\n${other}  old/${file}\n`,
  `${sha256} *./${file}\n${other} other-${file}\n`,
  `# ${file}: 528154624 bytes\nSHA256 (${file}) = ${sha256}\nSHA512 (x.img) = ${sha256}${other}\n`,
  `# BLAKE2B HASH\n${other}${other}  ${file}\n# SHA512 HASH\n${sha256}${other}  ${file}\n`,
  `${sha256}\n`,
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSHA256 (${file}) = ${sha256}\n-----BEGIN PGP SIGNATURE-----\n\niQ\n`,
  `{"items":[{"metadata":{"annotations":{"cloud.debian.org/digest":"sha512:${base64}"}},"data":{"ref":"trixie/1/${file}"}}]}`,
]

const pieces = [
  ...'/ ../ ./ * ( ) = # - { } [ ] , a 0'.split(' '),
  ' ',
  '  ',
  '\t',
  '\n',
  '\r',
  '\0',
  '- ',
  file,
  sha256,
  other,

  `${sha256}  ${file}\n`,
  `${other}  ${file}\n`,
  `SHA512 (${file}) = ${sha256}\n`,
  '# SHA512 HASH\n',
  '# MD5 HASH\n',
  '-----BEGIN PGP SIGNATURE-----\n',
  '-----BEGIN PGP SIGNED MESSAGE-----\n',
]

/** What is found, or undefined where the file is refused; anything else that is thrown fails the test. */
function read(body: string): Checksum | undefined {
  try {
    return readChecksum({ body, url }, file)
  } catch (error) {
    const isRefusal = error instanceof VmImageError && /^CHECKSUM_(?:MISSING|CONFLICT)$/.test(error.code)
    if (!isRefusal) throw error
    return undefined
  }
}

/** Whether a text has this digest alone on a line, or beside exactly this file, or both in JSON. Written without the parser's rules. */
function mayGive(body: string, { algorithm, hex }: Digest): boolean {
  const isInLine = body.split('\n').some((line) => {
    const words = line
      .replace(/^- /, '')
      .trim()
      .split(/[\s()*=]+/)
    const isNamed = words.includes(file) || words.includes(`./${file}`)
    return words.some((word) => word.toLowerCase() === hex) && (isNamed || words.length === 1)
  })
  const encoded = `${algorithm}:${Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '')}`
  return isInLine || (body.includes(encoded) && /[/"]disk-1\.10\.x86_64\.qcow2"/.test(body))
}

function mebibyte(text: string): string {
  return text.repeat(Math.ceil(2 ** 20 / text.length))
}

describe('readChecksum()', () => {
  test('reads each of the files that the properties start from', () => {
    expect(pages.map((body) => read(body)?.digest.algorithm)).toEqual([
      'sha256',
      'sha256',
      'sha256',
      'sha512',
      'sha256',
      'sha256',
      'sha512',
    ])
  })

  test.each([
    ['any text', anyText([...pages, ...pieces]), 500],
    ['a checksum file that was changed', mutated(pages, pieces), 2000],
  ])(
    'gives a whole digest of exactly that file, or refuses: %s',
    { timeout: 20_000 },
    (_, texts, numRuns) => {
      const property = fc.property(texts, (body) => {
        const found = read(body)
        if (found === undefined) return
        expect(parseDigest(formatDigest(found.digest))).toEqual(found.digest)
        expect(mayGive(body, found.digest)).toBe(true)
        expect(found.sizeBytes === undefined || Number.isSafeInteger(found.sizeBytes)).toBe(true)
      })
      fc.assert(property, { numRuns })
    },
  )

  test('finds a file by its exact name, whatever else is there', () => {
    const names = fc.stringMatching(/^[\w.+~-]{1,40}$/)
    const property = fc.property(
      fc.uniqueArray(names, { minLength: 1, maxLength: 20 }),
      fc.nat(),
      (all, index) => {
        const lines = all.map((name, at) => `${at.toString(16).padStart(64, '0')}  ${name}\n`)
        const wanted = index % all.length
        const { digest } = readChecksum({ body: lines.join(''), url }, all[wanted] ?? '')
        expect(digest.hex).toBe(wanted.toString(16).padStart(64, '0'))
      },
    )
    fc.assert(property, { numRuns: 300 })
  })

  // A parser whose time grows with the square of the length needs minutes for these.
  test.each([
    ...'< ( ) = # a 0 * { [ {"items": "'.split(' '),

    ' ',
    '\n',
    '# ',
    '- ',
    'SHA256 (',
    ') = ',
    'x: 1 ',
    '# HASH ',
    '# SHA512 HASH\n',
    `${sha256} `,
    `${sha256}\n`,
    `${sha256}  x\n`,
    `SHA256 (x) = ${sha256}\n`,
    '-----BEGIN PGP SIGNATURE-----\n',
    '-----BEGIN PGP SIGNED MESSAGE-----\n',
    '-----BEGIN PGP SIGNED MESSAGE-----\n\n',
  ])('comes to an end with a mebibyte of %j', { timeout: 10_000 }, (text) => {
    const bodies = [
      mebibyte(text),
      `SHA256 (${mebibyte(text)}`,
      `# ${mebibyte(text)}`,
      `${other} x${mebibyte(text)}`,
    ]
    expect(bodies.map(read)).toEqual(bodies.map(() => undefined))
  })
})
