/**
 * Checksum files: the digest of one image out of what its publisher writes. GNU (`hash  name`, `hash *name`), BSD
 * (`SHA256 (name) = hash`), sections (`# SHA512 HASH`), a bare hash; plain or clear-signed.
 */
import { algorithmOfHexLength, type Digest, digestOf, formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { Page } from './listing.js'

export interface Checksum {
  readonly digest: Digest
  /** From a comment `# name: 528154624 bytes`, as Fedora, CentOS and Rocky write it. */
  readonly sizeBytes: number | undefined
}

/** Strongest first: where a file has several digests of one image, this is the one to check. */
const byStrength = ['sha512', 'sha384', 'sha256', 'sha1', 'md5'] as const

/**
 * Finds the digest of exactly this file; a line for `x.qcow2.xz` or `other-x.qcow2` says nothing of `x.qcow2`.
 *
 * @throws VmImageError CHECKSUM_MISSING when the file is not named, CHECKSUM_CONFLICT when its digests disagree.
 */
export function readChecksum(page: Page, fileName: string): Checksum {
  const lines = signedPart(page.body.split('\n').map((line) => line.trimEnd()))
  const digests = [...namedDigests(lines, fileName), ...bareDigest(lines)]
  for (const algorithm of byStrength) {
    const found = new Set(digests.filter((digest) => digest.algorithm === algorithm).map(formatDigest))
    if (found.size > 1) throw conflict(page.url, fileName, [...found])
    const digest = digests.find((one) => one.algorithm === algorithm)
    if (digest) return { digest, sizeBytes: sizeOf(lines, fileName) }
  }
  throw new VmImageError(
    'CHECKSUM_MISSING',
    `Cannot find the digest of "${fileName}" in "${page.url}": none of its ${lines.length} lines names this file.\n` +
      "The publisher may be uploading a new build: try again in an hour, ask for another build, or give { checksum: 'sha256:<hex>' }.",
  )
}

/**
 * What lies outside the signed part of a clear-signed text is nobody's word. RFC 9580, section 7. By lines, not by one
 * pattern: that would take hours for some texts.
 */
function signedPart(lines: readonly string[]): readonly string[] {
  const begin = '-----BEGIN PGP SIGNED MESSAGE-----'
  if (!lines.some((line) => line.includes(begin))) return lines
  const first = lines.indexOf(begin)
  const headersEnd = lines.indexOf('', first)
  const last = lines.indexOf('-----BEGIN PGP SIGNATURE-----', headersEnd)
  if (first < 0 || headersEnd < 0 || last < 0) return []
  return lines.slice(headersEnd + 1, last).map((line) => line.replace(/^- /, ''))
}

function namedDigests(lines: readonly string[], fileName: string): readonly Digest[] {
  let section: string | undefined
  return lines.flatMap((line) => {
    section = /^#\s*(\w+)\s+HASH$/i.exec(line)?.[1] ?? section
    const [, label, bsdName, bsdHex] = /^(\w+) \((.+)\)\s*=\s*([0-9a-f]+)$/i.exec(line) ?? []
    const [, gnuHex, gnuName] = /^([0-9a-f]{32,})[ \t]+\*?(\S.*)$/i.exec(line) ?? []
    const hex = bsdHex ?? gnuHex ?? ''
    if ((bsdName ?? gnuName)?.replace(/^\.\//, '') !== fileName) return []
    return digestOf(label ?? section ?? algorithmOfHexLength(hex.length) ?? '', hex) ?? []
  })
}

/** A file with nothing but a hash belongs to the image beside it. */
function bareDigest(lines: readonly string[]): readonly Digest[] {
  const [hex = '', ...more] = lines.map((line) => line.trim()).filter((line) => line !== '')
  const digest = digestOf(algorithmOfHexLength(hex.length) ?? '', hex)
  return digest && more.length === 0 ? [digest] : []
}

function sizeOf(lines: readonly string[], fileName: string): number | undefined {
  const sizes = lines.flatMap((line) => {
    const [, name, bytes] = /^#\s*(\S+): (\d+) bytes$/.exec(line) ?? []
    return name === fileName && bytes !== undefined ? [Number(bytes)] : []
  })
  return new Set(sizes).size === 1 ? sizes[0] : undefined
}

function conflict(url: string, fileName: string, digests: readonly string[]): VmImageError {
  return new VmImageError(
    'CHECKSUM_CONFLICT',
    `Cannot trust "${url}": it gives "${fileName}" ${digests.length} digests (${digests.join(', ')}), expected one.\n` +
      "Tell the publisher; until then say which file you mean with { checksum: 'sha256:<hex>' }.",
  )
}
