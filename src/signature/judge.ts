/** Whether one signature counts, given keys that may be believed. */
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import type { DataSignature } from './data-signatures.js'
import type { Key } from './openpgp.js'
import { fingerprintOf } from './public-keys.js'
import { type Refusal, worstOf } from './refusal.js'
import { findSigningKeys, type SigningKey } from './signing-key.js'

export interface Verified {
  /** Of the primary key, 40 hex digits in upper case. */
  readonly fingerprint: string
  readonly signedAt: Date
}

/** The signed bytes, from the start at each call. */
export type OpenData = () => AsyncIterable<Uint8Array>

/** Clocks differ; a signature may be this much ahead. */
const clockSkewMs = 24 * 3_600_000

export interface Good {
  readonly verified: Verified
  /** The copy of the key that was believed. */
  readonly copy: Key
}

/**
 * Errors of reading the data are thrown as they are.
 *
 * @param keys all copies of pinned keys that were found so far.
 */
export async function judge(
  signature: DataSignature,
  keys: readonly Key[],
  open: OpenData,
  { now, signal }: Pick<Context, 'now' | 'signal'>,
): Promise<Good | Refusal> {
  const { keyId, madeAt, expiresAt } = signature
  const by = `by key ${keyId.toUpperCase()}`
  const unknown: Refusal = { code: 'SIGNATURE_UNKNOWN', found: `is ${by}, which is not pinned` }
  const found = await findSigningKeys(keys, keyId, madeAt, new Date(now()))
  if (found.length === 0) return unknown
  if (madeAt.getTime() > now() + clockSkewMs) {
    return { code: 'SIGNATURE_INVALID', found: `${by} is dated in the future (${madeAt.toISOString()})` }
  }
  if (expiresAt <= now()) {
    return { code: 'SIGNATURE_EXPIRED', found: `${by} was good until ${new Date(expiresAt).toISOString()}` }
  }
  const refusals: Refusal[] = []
  for (const signing of found) {
    const verdict = 'code' in signing ? signing : await prove(signature, signing, open, signal)
    if ('verified' in verdict) return verdict
    refusals.push(verdict)
  }
  return worstOf(refusals) ?? unknown
}

async function prove(
  signature: DataSignature,
  { copy, signer }: SigningKey,
  open: OpenData,
  signal: AbortSignal,
): Promise<Good | Refusal> {
  const { keyId, madeAt } = signature
  const reading = watched(open())
  try {
    const fault = await signature.prove(copy, signer, reading.data, signal)
    signal.throwIfAborted()
    if (reading.failed) throw reading.error
    if (fault === undefined) return { verified: { fingerprint: fingerprintOf(copy), signedAt: madeAt }, copy }
    return { code: 'SIGNATURE_INVALID', found: `by key ${keyId.toUpperCase()} does not hold: ${fault}` }
  } catch (error) {
    // A signature beside this one may do without the program.
    if (error instanceof VmImageError && error.code === 'TOOL_MISSING') return { code: 'TOOL_MISSING', error }
    throw error
  }
}

/** Who proves a signature cannot tell a disk that fails from bytes that are wrong; this can. */
function watched(source: AsyncIterable<Uint8Array>) {
  const reading = { data: pass(), failed: false, error: undefined as unknown }
  async function* pass() {
    try {
      yield* source
    } catch (error) {
      Object.assign(reading, { failed: true, error })
      throw error
    }
  }
  return reading
}
