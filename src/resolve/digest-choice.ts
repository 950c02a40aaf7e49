/** Which digest an image has to have, and on whose word: the caller's, the package's or the publisher's. */
import { type Digest, formatDigest, isWeak, sameDigest } from '../digest.js'
import { VmImageError } from '../errors.js'

/** `pinned`: said by the caller or known beforehand. `checksum`: by the publisher's file. `unverified`: by none that is strong. */
export type Trust = 'pinned' | 'checksum' | 'unverified'

export interface Claims {
  /** In the request. */
  readonly asked: Digest | undefined
  /** In the provider's table. */
  readonly known: Digest | undefined
  /** In the publisher's checksum file. */
  readonly published: Digest | undefined
  /** Where that file is; over plain http anybody on the way could have written it. */
  readonly checksumUrl: string | undefined
}

/**
 * The caller's digest before the one known beforehand before the publisher's. Undefined when nobody says anything.
 *
 * @throws VmImageError CHECKSUM_CONFLICT when two of them name the same algorithm and different digests.
 */
export function chooseDigest(
  file: string,
  { asked, known, published, checksumUrl }: Claims,
): { readonly digest: Digest; readonly trust: Trust } | undefined {
  const digest = asked ?? known ?? published
  if (digest === undefined) return undefined
  const contrary = [known, published].find(
    (other) => other?.algorithm === digest.algorithm && !sameDigest(other, digest),
  )
  if (contrary) {
    throw new VmImageError(
      'CHECKSUM_CONFLICT',
      `Cannot trust "${file}": ${asked ? 'the request' : 'vmimage'} says ${formatDigest(digest)}, ` +
        `${contrary === known ? 'vmimage' : 'its publisher'} says ${formatDigest(contrary)}.\n` +
        'Compare both with another source; correct the request, or ask for another build.',
    )
  }
  if (isWeak(digest.algorithm)) return { digest, trust: 'unverified' }
  if (asked || known) return { digest, trust: 'pinned' }
  return { digest, trust: checksumUrl?.startsWith('https:') ? 'checksum' : 'unverified' }
}
