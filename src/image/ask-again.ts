/**
 * Asking again: between the look at a publisher's pages and the end of a download the image may have been replaced, or a
 * cache on the way may have served a checksum file of yesterday. Then the answer is stale, not the image wrong: the
 * publisher is asked once more, past all caches, and another answer is tried once.
 */
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { sizeText } from '../progress-text.js'
import type { ImageRequest } from '../request/request.js'
import { isAbsent } from '../resolve/trail.js'
import type { Source } from './source.js'
import { isUnavailable } from './unavailable.js'

/**
 * Whether an error of a download may come from a stale answer: the bytes are others than the publisher named, or the
 * file is gone.
 */
export function mayBeStale(error: unknown, request: ImageRequest): error is VmImageError {
  if (isWrong(error)) return mayHaveAnotherDigest(request)
  return (
    request.kind === 'named' && error instanceof VmImageError && error.code === 'NETWORK' && isAbsent(error)
  )
}

/** Where the caller says what the bytes are, no publisher has a newer word on that. */
export function mayHaveAnotherDigest(request: ImageRequest): boolean {
  return request.kind === 'named' && request.checksum === undefined
}

export function isWrong(error: unknown): error is VmImageError {
  return error instanceof VmImageError && error.code === 'DIGEST_MISMATCH'
}

/**
 * The answer that takes the place of `source`, with a warning that says what happened.
 *
 * @param resolve asks the publisher again.
 * @throws VmImageError `error`, saying so, when the publisher says the same or cannot be asked; what else resolving
 *   throws, a wrong signature above all.
 */
export async function askAgain(
  error: VmImageError,
  source: Source,
  resolve: () => Promise<Source>,
  { report }: Context,
): Promise<Source> {
  let renewed: Source
  try {
    renewed = await resolve()
  } catch (failure) {
    if (!isUnavailable(failure)) throw failure
    throw withNote(error, `Asking its publisher again failed: ${firstLine(failure)}`)
  }
  const changes = changesBetween(source, renewed)
  if (changes.length === 0)
    throw withNote(error, 'Its publisher was asked again, past all caches, and says the same.')
  report({
    type: 'warning',
    message: `${firstLine(error)} Asked again, past all caches, its publisher has another answer, which is used: ${changes.join(', ')}.`,
  })
  return renewed
}

function changesBetween(before: Source, after: Source): readonly string[] {
  const [old, now] = [before, after].map(({ url, digest, sizeBytes }) => ({
    url,
    digest: digest && formatDigest(digest),
    size: sizeBytes === undefined ? undefined : `${sizeText(sizeBytes)} (${sizeBytes} bytes)`,
  }))
  const fields = ['url', 'digest', 'size'] as const
  return fields
    .filter((field) => old?.[field] !== now?.[field])
    .map((field) => `${field} ${now?.[field] ?? 'not given'}`)
}

/** The note goes before the cure, which stays the last line. */
function withNote(error: VmImageError, note: string): VmImageError {
  const [found = '', ...cure] = error.message.split('\n')
  return new VmImageError(error.code, [`${found} ${note}`, ...cure].join('\n'), { cause: error.cause })
}

function firstLine({ message }: VmImageError): string {
  return message.split('\n', 1)[0] ?? ''
}
