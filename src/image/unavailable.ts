/** What keeps a newer answer away and says nothing against the one that is there. */
import { VmImageError, type VmImageErrorCode } from '../errors.js'

/** Bytes that are not to be trusted are not among it: that is to be seen. */
const codes: ReadonlySet<VmImageErrorCode> = new Set([
  'NETWORK',
  'ANSWER_TOO_LARGE',
  'INSECURE_REDIRECT',
  'LISTING_UNREADABLE',
  'CHECKSUM_MISSING',
  'NO_MATCH',
  'CACHE_UNWRITABLE',
  'NO_SPACE',
  'LOCK_STALLED',
])

export function isUnavailable(error: unknown): error is VmImageError {
  return error instanceof VmImageError && codes.has(error.code)
}
