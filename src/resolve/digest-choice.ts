/** Which digest an image has to have, and on whose word: the caller's, the package's or the publisher's. */
import { type Digest, formatDigest, isWeak, sameDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { Trust } from '../trust.js'

export interface Claims {
  /** In the request. */
  readonly asked: Digest | undefined
  /** In the provider's table. */
  readonly known: Digest | undefined
  /** In the publisher's checksum file. */
  readonly published: Digest | undefined
  /** Fingerprint of the key that signed it, where one did. */
  readonly signedBy: string | undefined
  /** Where that file is; over plain http anybody on the way could have written it. */
  readonly checksumUrl: string | undefined
  /** The best that the provider says of what its publisher publishes. */
  readonly ceiling: Trust
}

export interface DigestChoice {
  readonly digest: Digest
  readonly trust: Trust
  /** With trust `signed`. */
  readonly signedBy: string | undefined
}

/**
 * The caller's digest before the one known beforehand before the publisher's; but a weak one, md5 or sha1, only where
 * nobody gives a strong one, since with it the image could be exchanged. Undefined when nobody says anything.
 *
 * @throws VmImageError CHECKSUM_CONFLICT when two of them name the same algorithm and different digests.
 */
export function chooseDigest(
  file: string,
  { asked, known, published, signedBy, checksumUrl, ceiling }: Claims,
): DigestChoice | undefined {
  const claims = [
    { who: 'the request', digest: asked },
    { who: 'vmimage', digest: known },
    { who: 'its publisher', digest: published },
  ].flatMap(({ who, digest }) => (digest ? [{ who, digest }] : []))
  refuseConflict(file, claims)
  const digest = (claims.find((claim) => !isWeak(claim.digest.algorithm)) ?? claims[0])?.digest
  if (digest === undefined) return undefined
  const because = (trust: Trust) => ({ digest, trust, signedBy: trust === 'signed' ? signedBy : undefined })
  if (isWeak(digest.algorithm)) return because('unverified')
  if (digest === asked || digest === known) return because('pinned')
  if (signedBy !== undefined) return because('signed')
  return because(/^(?:https|file):/.test(checksumUrl ?? '') ? ceiling : 'unverified')
}

function refuseConflict(
  file: string,
  claims: readonly { readonly who: string; readonly digest: Digest }[],
): void {
  for (const [index, { who, digest }] of claims.entries()) {
    const contrary = claims
      .slice(index + 1)
      .find((other) => other.digest.algorithm === digest.algorithm && !sameDigest(other.digest, digest))
    if (contrary === undefined) continue
    throw new VmImageError(
      'CHECKSUM_CONFLICT',
      `Cannot trust "${file}": ${who} says ${formatDigest(digest)}, ` +
        `${contrary.who} says ${formatDigest(contrary.digest)}.\n` +
        'Compare both with another source; correct the request, or ask for another build.',
    )
  }
}
