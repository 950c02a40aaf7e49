import { describe, expect, test } from 'vitest'
import { readChecksum } from '../../src/pages/checksums.js'

const url = 'https://images.example.org/SHA256SUMS'
const file = 'disk-1.10.x86_64.qcow2'
const sha256 = '55c60a3b80d3616a08705afd0459e75fe9f03c54aba7a46e4002a41a72fa0d5b'
const other = '809a34279fdce4ecbdfa9e7bebd27ee3d255cb90d6ad83e7fb15211634cf95f9'
const sha512 = sha256 + other
const signature = '-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n'

function read(body: string) {
  return readChecksum({ body, url }, file)
}

describe('readChecksum()', () => {
  test.each([
    ['GNU text', `${other}  other.qcow2\n${sha256}  ${file}\n`],
    ['GNU binary', `${sha256} *${file}\n`],
    ['one space', `${sha256} ${file}`],
    ['a path from here', `${sha256}  ./${file}\r\n`],
    ['BSD', `SHA256 (other.qcow2) = ${other}\nSHA256 (${file}) = ${sha256}\n`],
    ['capitals', `${sha256.toUpperCase()}  ${file}\n`],
    ['tabs', `${sha256}\t${file}\r\n`],
    ['binary and a path from here', `${sha256} *./${file}\n`],
    ['BSD with a path from here', `SHA256 (./${file}) = ${sha256}\n`],
    ['BSD with a size', `# ${file}: many bytes\nSHA256 (${file}) = ${sha256}\n`],
    ['a line that is set in', `  ${sha256}  ${file}\n`],
    ['a bare hash', `${sha256}\n`],
    ['a bare hash of a clear-signed text', `-----BEGIN PGP SIGNED MESSAGE-----\n\n${sha256}\n${signature}`],
    ['duplicates that agree', `${sha256}  ${file}\n${sha256} *${file}\n`],
    [
      'clear-signed',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSHA256 (${file}) = ${sha256}\n${signature}`,
    ],
  ])('reads %s', (_, body) => {
    expect(read(body)).toEqual({ digest: { algorithm: 'sha256', hex: sha256 }, sizeBytes: undefined })
  })

  test('reads the size out of a comment', () => {
    expect(
      read(`# other: 1 bytes\n# ${file}: 528154624 bytes\nSHA256 (${file}) = ${sha256}\n`).sizeBytes,
    ).toBe(528_154_624)
  })

  test('has no size where two comments disagree', () => {
    expect(read(`# ${file}: 1 bytes\n# ${file}: 2 bytes\n${sha256}  ${file}\n`).sizeBytes).toBeUndefined()
  })

  test('takes the strongest of several algorithms, and knows sections of one length apart', () => {
    const body = `# BLAKE2B HASH\n${other}${other}  ${file}\n# SHA512 HASH\n${sha512}  ${file}\n# MD5 HASH\n${'0'.repeat(32)}  ${file}\n`
    expect(read(body).digest).toEqual({ algorithm: 'sha512', hex: sha512 })
  })

  test.each([
    ['before the next section', `# BLAKE2B HASH\n${sha512}  ${file}\n# SHA256 HASH\n${other}  x.img\n`],
    ['set in', `  # BLAKE2B HASH\n  ${sha512}  ${file}\n`],
    ['with a hyphen in its name', `# SHA3-512 HASH\n${sha512}  ${file}\n`],
    ['of a shorter algorithm', `# SHA256 HASH\n${sha512}  ${file}\n`],
  ])('takes nothing for SHA512 in a section of another algorithm: %s', (_, body) => {
    expect(() => read(body)).toThrowError(expect.objectContaining({ code: 'CHECKSUM_MISSING' }))
  })

  test.each([
    ['blanks in a name', `${sha256}  a${' '.repeat(1_000_000)}b\n${sha256}  ${file}${' '.repeat(1_000_000)}`],
    ['blanks before a name', `${sha256}${' '.repeat(1_000_000)}x\n${sha256}  ${file}`],
    ['brackets', `SHA256 (${') '.repeat(500_000)}\n${sha256}  ${file}`],
    ['comments', `#${' '.repeat(1_000_000)}\n# ${'a:'.repeat(500_000)}\n${sha256}  ${file}`],
    [
      'beginnings',
      `${'-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n'.repeat(20_000)}\n${sha256}  ${file}\n${signature}`,
    ],
  ])('comes to its end with a megabyte of %s', (_, body) => {
    expect(read(body).digest.hex).toBe(sha256)
  })

  test('comes to its end with a megabyte of beginnings without an end', () => {
    expect(() => read('-----BEGIN PGP SIGNED MESSAGE-----\n\n'.repeat(30_000))).toThrowError(
      expect.objectContaining({ code: 'CHECKSUM_MISSING' }),
    )
  })

  test('undoes the escaping of dashes in a clear-signed text', () => {
    const body = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- ${sha256}  ${file}\n${signature}`
    expect(read(body).digest.hex).toBe(sha256)
  })

  test.each([
    ['a longer name that ends alike', `${sha256}  other-${file}\n`],
    ['a longer name that begins alike', `${sha256}  ${file}.xz\n`],
    ['the same name in another directory', `${sha256}  old/${file}\n`],
    ['the same name in the directory above', `SHA256 (../${file}) = ${sha256}\n`],
    ['the same name at the root', `${sha256}  /${file}\n`],
    ['the same name in another directory from here', `${sha256}  ./old/${file}\n`],
    ['the same name in capitals', `${sha256}  ${file.toUpperCase()}\n`],
    ['the name as a pattern', `${sha256}  ${file.replaceAll('.', 'x')}\n`],
    ['the name in a comment', `# ${sha256}  ${file}\n`],
    ['an algorithm that is not known', `BLAKE2b (${file}) = ${sha512}\n`],
    ['an algorithm with a hyphen', `SHA3-256 (${file}) = ${sha256}\n`],
    ['a name and no hash', `SHA256 (${file}) =\n${file}\n`],
    ['digits that are no hash', `${'g'.repeat(64)}  ${file}\n`],
    ['a hash of a strange length', `${sha256}00  ${file}\n`],
    ['a label that does not fit the hash', `SHA512 (${file}) = ${sha256}\n`],
    ['two bare hashes', `${sha256}\n${other}\n`],
    ['nothing', ''],
    [
      'a line before the signed part',
      `${sha256}  ${file}\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n${signature}`,
    ],
    [
      'a line after the signed part',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n${signature}${sha256}  ${file}\n`,
    ],
    [
      'a signed part without an end',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${sha256}  ${file}\n`,
    ],
  ])('finds nothing in %s', (_, body) => {
    expect(() => read(body)).toThrowError(
      expect.objectContaining({
        code: 'CHECKSUM_MISSING',
        message: expect.stringContaining("{ checksum: 'sha256:"),
      }),
    )
  })

  test.each([
    ['in one form', `${sha256}  ${file}\n${other}  ${file}\n`],
    ['in two forms', `SHA256 (${file}) = ${sha256}\n${other} *./${file}\n`],
    ['beside a stronger digest', `${sha512}  ${file}\n${sha256}  ${file}\n${other}  ${file}\n`],
  ])('refuses duplicates that disagree, and shows both: %s', (_, body) => {
    expect(() => read(body)).toThrowError(
      expect.objectContaining({
        code: 'CHECKSUM_CONFLICT',
        message: expect.stringContaining(`sha256:${other}`),
      }),
    )
  })
})
