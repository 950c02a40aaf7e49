/** Refusals: why a signature does not count, and the errors that come of it. */
import { VmImageError, type VmImageErrorCode } from '../errors.js'
import type { Key } from './openpgp.js'

/** From the least to the most telling: of several signatures that all do not count, the message is about the last kind. */
const refusalCodes = ['SIGNATURE_UNKNOWN', 'SIGNATURE_EXPIRED', 'SIGNATURE_INVALID', 'TOOL_MISSING'] as const

export interface SignatureRefusal {
  readonly code: Exclude<(typeof refusalCodes)[number], 'TOOL_MISSING'>
  /** What was found, as the end of a sentence that begins with "its signature". */
  readonly found: string
  /** The copy of its key that says so, when the key was revoked. */
  readonly revokedIn?: Key | undefined
}

/** Nobody can tell, for a program is missing. */
export interface MissingTool {
  readonly code: 'TOOL_MISSING'
  readonly error: VmImageError
  readonly revokedIn?: undefined
}

export type Refusal = SignatureRefusal | MissingTool

/** What is said to be signed. */
export interface Claim {
  /** As people know it. */
  readonly name: string
  /** Where the signature comes from, when it is in a file of its own. */
  readonly url?: string | undefined
}

/** Whether no other copy of the key can change it: a revocation and wrong bytes are for ever. */
export function isFinal({ code, revokedIn }: Refusal): boolean {
  return code === 'TOOL_MISSING' || code === 'SIGNATURE_INVALID' || revokedIn !== undefined
}

/** The most telling one. */
export function worstOf<T extends Refusal>(refusals: readonly T[]): T | undefined {
  return refusals.reduce<T | undefined>((worst, refusal) => {
    const isWorse = !worst || refusalCodes.indexOf(refusal.code) > refusalCodes.indexOf(worst.code)
    return isWorse ? refusal : worst
  }, undefined)
}

const known = "say what the file is: { checksum: 'sha256:<hex>' }"

const cures = {
  SIGNATURE_MISSING: `Somebody may have taken it off: compare with what the publisher shows, ask for another build, or ${known}.`,
  SIGNATURE_INVALID: `The file or its signature was changed, or only one of them is new: try again, ask for another build, or ${known}.`,
  SIGNATURE_UNKNOWN: `When the publisher announces this key, pin it in the provider; else ask for another build, or ${known}.`,
  SIGNATURE_EXPIRED: `Compare with what the publisher says of its key, ask for another build, or ${known}.`,
  KEY_MISSING: `Install a package that has the keyring, or look whether the publisher has moved its key; or ${known}.`,
  NETWORK: `Install a package that has the keyring, or try again when the servers are back; or ${known}.`,
  OFFLINE: `Install a package that has the keyring, or run once with the network on; or ${known}.`,
} as const satisfies Partial<Record<VmImageErrorCode, string>>

export type SignatureErrorCode = keyof typeof cures

/**
 * @param found what was found and what was wanted, without a full stop.
 * @param places where keys were looked for, one line each.
 */
export function signatureError(
  code: SignatureErrorCode,
  { name, url }: Claim,
  found: string,
  { places = [], cause }: { readonly places?: readonly string[]; readonly cause?: unknown } = {},
): VmImageError {
  const where = url === undefined ? '' : ` ${url}`
  const looked = places.length === 0 ? '' : ` Looked for keys at:\n${places.join('\n')}`
  const message = `Cannot trust "${name}": its signature${where} ${found}.\n${cures[code]}${looked}`
  return new VmImageError(code, message, { cause })
}
