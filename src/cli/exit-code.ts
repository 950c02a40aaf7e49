/** The exit codes of the command: a script learns from them what to do next without reading the message. */
import { VmImageError, type VmImageErrorCode } from '../errors.js'

export const exitCodes = {
  failure: 1,
  usage: 2,
  noMatch: 3,
  network: 4,
  untrusted: 5,
  interrupted: 130,
} as const

const byErrorCode: Partial<Record<VmImageErrorCode, number>> = {
  INVALID_REQUEST: exitCodes.usage,
  INVALID_CONFIG: exitCodes.usage,
  INVALID_PROVIDER: exitCodes.usage,
  UNKNOWN_SYSTEM: exitCodes.usage,
  UNKNOWN_ARCH: exitCodes.usage,
  INVALID_PINS: exitCodes.usage,
  NOT_PINNED: exitCodes.usage,
  UNKNOWN_IMAGE: exitCodes.noMatch,
  NO_MATCH: exitCodes.noMatch,
  AMBIGUOUS_MATCH: exitCodes.noMatch,
  NOT_CACHED: exitCodes.noMatch,
  PIN_GONE: exitCodes.noMatch,
  OFFLINE: exitCodes.network,
  NETWORK: exitCodes.network,
  ANSWER_TOO_LARGE: exitCodes.network,
  INSECURE_REDIRECT: exitCodes.network,
  CHECKSUM_MISSING: exitCodes.untrusted,
  CHECKSUM_CONFLICT: exitCodes.untrusted,
  SIGNATURE_MISSING: exitCodes.untrusted,
  SIGNATURE_INVALID: exitCodes.untrusted,
  SIGNATURE_UNKNOWN: exitCodes.untrusted,
  SIGNATURE_EXPIRED: exitCodes.untrusted,
  KEY_MISSING: exitCodes.untrusted,
  UNTRUSTED: exitCodes.untrusted,
  DIGEST_MISMATCH: exitCodes.untrusted,
  UNSAFE_IMAGE: exitCodes.untrusted,
}

export function exitCodeOf(error: unknown): number {
  return (error instanceof VmImageError ? byErrorCode[error.code] : undefined) ?? exitCodes.failure
}
