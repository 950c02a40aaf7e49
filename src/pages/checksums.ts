/**
 * Checksum files: the digest of one image out of what its publisher writes. Lines in the manner of GNU or BSD, sections
 * (`# SHA512 HASH`), a bare hash; plain or clear-signed; or Debian's JSON.
 */
import { algorithmOfHexLength, type Digest, digestOf, formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { parseChecksumLine } from './checksum-line.js'
import { manifestDigests } from './digest-manifest.js'
import type { Page } from './listing.js'
import { signedPart } from './signed-part.js'

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
  const lines = signedPart(page.body)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const digests = [
    ...namedDigests(lines, fileName),
    ...bareDigest(lines),
    ...manifestDigests(lines.join('\n'), fileName),
  ]
  const byAlgorithm = byStrength.map((algorithm) => digests.filter((one) => one.algorithm === algorithm))
  for (const same of byAlgorithm) {
    const found = new Set(same.map(formatDigest))
    if (found.size > 1) throw conflict(page.url, fileName, [...found])
  }
  const [digest] = byAlgorithm.flat()
  if (digest) return { digest, sizeBytes: sizeOf(lines, fileName) }
  throw new VmImageError(
    'CHECKSUM_MISSING',
    `Cannot find the digest of "${fileName}" in "${page.url}": none of its ${lines.length} lines names this file.\n` +
      "The publisher may be uploading a new build: try again in an hour, ask for another build, or give { checksum: 'sha256:<hex>' }.",
  )
}

/** A section is of its algorithm also where that is not known here: BLAKE2B has as many digits as SHA512. */
function namedDigests(lines: readonly string[], fileName: string): readonly Digest[] {
  let section: string | undefined
  return lines.flatMap((line) => {
    section = /^#\s*(\S+)\s+HASH$/i.exec(line)?.[1] ?? section
    const found = parseChecksumLine(line)
    if (found?.name !== fileName) return []
    const { label = section, hex } = found
    return digestOf(label ?? algorithmOfHexLength(hex.length) ?? '', hex) ?? []
  })
}

/** A file with nothing but a hash belongs to the image beside it. */
function bareDigest(lines: readonly string[]): readonly Digest[] {
  const [hex = ''] = lines
  const digest = digestOf(algorithmOfHexLength(hex.length) ?? '', hex)
  return digest && lines.length === 1 ? [digest] : []
}

function sizeOf(lines: readonly string[], fileName: string): number | undefined {
  const sizes = lines.flatMap((line) => {
    const [, name, bytes] = /^#\s*(\S+): (\d{1,15}) bytes$/.exec(line) ?? []
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
