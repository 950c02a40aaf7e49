/**
 * The one error class of the package and its closed table of codes.
 *
 * Callers branch on `code`; people read `message`. A message says what was tried and what was found, then on a
 * second line what to do about it. docs/errors.md has one section for each code, and a test holds the two together.
 */

/** Every code a {@link VmImageError} can carry, with its meaning in one line. */
export const errorCodes = {
  INVALID_REQUEST: 'The request for an image is not one of the forms that vmimage understands.',
  INVALID_CONFIG: 'An option or a VMIMAGE_ environment variable has a value that means nothing.',
  INVALID_PROVIDER: 'A provider definition is incomplete or contradicts itself.',
  UNKNOWN_SYSTEM: 'No provider has the name that was asked for.',
  UNKNOWN_ARCH: 'The architecture is not known, or the publisher has no image for it.',
  NO_MATCH: 'The publisher was reached, but nothing it lists fits the request.',
  AMBIGUOUS_MATCH: 'More than one file of the newest build fits the request.',
  LISTING_UNREADABLE: 'A page that should list files is in no format that vmimage can read.',
  CHECKSUM_MISSING: 'The checksum file of the publisher does not name the image.',
  CHECKSUM_CONFLICT: 'Two sources name different digests for the image: nothing is downloaded.',
  SIGNATURE_MISSING: 'The publisher signs, and the signature is not there.',
  SIGNATURE_INVALID: 'The signature is not of these bytes.',
  SIGNATURE_UNKNOWN: 'The signature is not by a key that the provider pins.',
  SIGNATURE_EXPIRED: 'The signature was made when its key had expired or was revoked.',
  KEY_MISSING: 'The key that the provider pins is not where it should be.',
  UNTRUSTED: 'The image is trusted less than minimumTrust asks for.',
  ANSWER_TOO_LARGE: 'A server sends more than any listing, checksum file or key has.',
  INSECURE_REDIRECT: 'A server leads from https to http, where anybody can change the answer.',
  INVALID_PINS: 'The pin file cannot be read or written, or holds something else than pins.',
  NOT_PINNED: 'Only pinned images are used, and this one is not pinned.',
  PIN_GONE: 'The pinned file is on no server any more; the message says what replaced it.',
  OFFLINE: 'The network is needed, and it was switched off.',
  NETWORK: 'No server gave a usable answer; the message lists every URL that was tried.',
  DIGEST_MISMATCH: 'The bytes that arrived are not the ones that the publisher (or the caller) vouches for.',
  DECOMPRESSION_FAILED: 'The compressed image is damaged, or expands beyond its limit.',
  TOOL_MISSING: 'A program that is needed for this one step is not installed.',
  TOOL_FAILED: 'A program that was run for this step ended with an error.',
  UNSAFE_IMAGE: 'The image breaks a safety rule for base images (docs/cache.md lists them).',
  UNSUPPORTED_IMAGE: 'The file is in a format that cannot be a base image.',
  SIZE_TOO_SMALL: 'The size asked for the overlay is smaller than its base image.',
  PATH_TOO_LONG: 'The path of the base image does not fit in a qcow2 header.',
  FILE_NOT_FOUND: 'The image file that was named does not exist.',
  FILE_UNREADABLE: 'A file that was named cannot be read by this user.',
  FILE_UNWRITABLE: 'A file cannot be written where it is wanted.',
  BASE_CHANGED: 'The base image is gone, or no longer the file that was verified.',
  CACHE_UNSAFE:
    'A directory of the cache is a link, belongs to somebody else, or can be written by everybody.',
  CACHE_UNREADABLE: 'Something in the cache cannot be read by this user.',
  CACHE_UNWRITABLE: 'The cache cannot be written, and the image is not in it yet.',
  NO_SPACE: 'The disk has no room for the image.',
  UNKNOWN_IMAGE: 'No image in the cache has the name that was given.',
  IMAGE_IN_USE: 'The image that is to be removed is in use.',
  DISK_IN_USE: "A machine has the test's disk open, and it cannot be changed or copied now.",
  DISK_FROZEN: 'The disk was forked, and nothing may write to it any more.',
  DISK_GONE: 'The disk was disposed of, or its file was deleted.',
  FILE_EXISTS: 'There is a file already where the disk is to be written.',
  COLLECTING: 'Another process is removing images from the cache at this moment.',
  LOCK_STALLED: 'Another process holds the download and makes no progress.',
  NOT_CACHED:
    'A test asked for an image that was not fetched before the tests began, or a command for one that is not there.',
  NO_RUN: 'The global setup of vmimage did not run, or is of another version than the tests.',
  OUTSIDE_TEST: 'useVmImage() was called where no test is running.',
  AMBIGUOUS_TEST: 'useVmImage() cannot tell which of several concurrent tests called it.',
  UNSUPPORTED_RUNNER:
    'The test runner is one that vmimage cannot follow, or not yet: Jest before 30, not jest-circus, or in setupFiles.',
  TEST_FINISHED: 'useVmImage() was called after its test had ended.',
} as const

export type VmImageErrorCode = keyof typeof errorCodes

const brand: unique symbol = Symbol.for('vmimage.error.1')

/**
 * What vmimage throws when the world is not as it should be. Wrong argument types are `TypeError`s.
 *
 * @example
 * try { await openVmImage('fedora') } catch (error) {
 *   if (error instanceof VmImageError && error.code === 'NETWORK') console.log('is the mirror up?')
 * }
 */
export class VmImageError extends Error {
  /** `VmImageError [NO_MATCH]`: whoever prints an error shows with it where docs/errors.md explains it. */
  override readonly name: string
  readonly code: VmImageErrorCode

  /**
   * A process may have several copies of this class (as ES module, as CommonJS, in a bundle), and a caller has but one of
   * them to ask with.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }

  constructor(code: VmImageErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = `VmImageError [${code}]`
    this.code = code
  }

  /** By which any copy knows the errors of any other. */
  get [brand](): true {
    return true
  }
}

/** Whether the network is all that was missing: nothing is wrong with what was asked. */
export function isForWantOfNetwork(error: unknown): error is VmImageError {
  return error instanceof VmImageError && (error.code === 'OFFLINE' || error.code === 'NETWORK')
}

/**
 * The `code` of a Node system error (`'ENOENT'`), or undefined for anything else that was thrown. Not by `instanceof`:
 * in a test runner's vm context Node's own errors come from another realm. A VmImageError is none.
 */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  if (error instanceof VmImageError) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
