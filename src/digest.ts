/**
 * Digests: `sha256:<hex>`, the identity of every image. The publisher's digest of the file as it is served names
 * the image in the cache, so a moved `latest` is a new name and never a rewritten file.
 */
import { VmImageError } from './errors.js'

/** Hash algorithms that publishers use, with the length of their digests in hexadecimal digits. */
const hexLengths = { sha512: 128, sha384: 96, sha256: 64, sha1: 40, md5: 32 } as const

export type DigestAlgorithm = keyof typeof hexLengths

export interface Digest {
  readonly algorithm: DigestAlgorithm
  /** Lower case. */
  readonly hex: string
}

/** Collisions can be made for these; they show that a transfer was complete, not where the bytes come from. */
export function isWeak(algorithm: DigestAlgorithm): boolean {
  return algorithm === 'md5' || algorithm === 'sha1'
}

/** `sha256:<hex>`, the form in messages, options and JSON. */
export function formatDigest(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`
}

/** `sha256-<hex>`, the form in file names of the cache. */
export function digestKey(digest: Digest): string {
  return `${digest.algorithm}-${digest.hex}`
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.algorithm === b.algorithm && a.hex === b.hex
}

/**
 * Reads `sha256:<hex>` (or sha512, sha384, sha1, md5; any letter case).
 *
 * @throws VmImageError INVALID_REQUEST when the algorithm is unknown or the hex has the wrong length.
 */
export function parseDigest(text: string): Digest {
  const [, algorithm = '', hex = ''] = /^([a-z0-9]+)[:-]([0-9a-f]+)$/i.exec(text.trim()) ?? []
  const digest = digestOf(algorithm, hex)
  if (digest) return digest
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot read checksum "${text}": expected "<algorithm>:<hex>".\n` +
      `Known algorithms and their hex lengths: ${Object.entries(hexLengths)
        .map(([name, length]) => `${name} (${length})`)
        .join(', ')}.`,
  )
}

/** The digest made of an algorithm's name and hex digits, or undefined when they do not fit each other. */
export function digestOf(algorithm: string, hex: string): Digest | undefined {
  const name = algorithm.toLowerCase()
  if (!isDigestAlgorithm(name) || hex.length !== hexLengths[name] || !/^[0-9a-f]+$/i.test(hex))
    return undefined
  return { algorithm: name, hex: hex.toLowerCase() }
}

/** The algorithm whose digests have this many hex digits: how a bare hash is understood. */
export function algorithmOfHexLength(length: number): DigestAlgorithm | undefined {
  return algorithms.find((name) => hexLengths[name] === length)
}

const algorithms = Object.keys(hexLengths).filter(isDigestAlgorithm)

function isDigestAlgorithm(name: string): name is DigestAlgorithm {
  return Object.hasOwn(hexLengths, name)
}
