/** Whether one signature counts, given keys that may be believed. */
import type { Context } from '../context.js'
import type { DataSignature } from './data-signatures.js'
import type { Key } from './openpgp.js'
import { findSigningKey, fingerprintOf } from './public-keys.js'
import type { Refusal } from './refusal.js'

export interface Verified {
  /** Of the primary key, 40 hex digits in upper case. */
  readonly fingerprint: string
  readonly signedAt: Date
}

/** The signed bytes, from the start at each call. */
export type OpenData = () => AsyncIterable<Uint8Array>

/** Clocks differ; a signature may be this much ahead. */
const clockSkewMs = 24 * 3_600_000

/** Errors of reading the data are thrown as they are. */
export async function judge(
  { keyId, madeAt, expiresAt, prove }: DataSignature,
  keys: readonly Key[],
  open: OpenData,
  { now, signal }: Pick<Context, 'now' | 'signal'>,
): Promise<Verified | Refusal> {
  const by = `by key ${keyId.toUpperCase()}`
  const [match] = keys.flatMap((key) =>
    key.getKeyIDs().flatMap((id) => (id.toHex() === keyId ? { key, id } : [])),
  )
  if (!match) return { code: 'SIGNATURE_UNKNOWN', found: `is ${by}, which is not pinned` }
  if (madeAt.getTime() > now() + clockSkewMs) {
    return { code: 'SIGNATURE_INVALID', found: `${by} is dated in the future (${madeAt.toISOString()})` }
  }
  if (expiresAt <= now()) {
    return { code: 'SIGNATURE_EXPIRED', found: `${by} was good until ${new Date(expiresAt).toISOString()}` }
  }
  const signer = await findSigningKey(match.key, match.id, madeAt, new Date(now()))
  if ('code' in signer) return signer
  const reading = watched(open())
  const fault = await prove(match.key, signer, reading.data, signal)
  signal.throwIfAborted()
  if (reading.failed) throw reading.error
  if (fault === undefined) return { fingerprint: fingerprintOf(match.key), signedAt: madeAt }
  return { code: 'SIGNATURE_INVALID', found: `${by} does not hold: ${fault}` }
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
