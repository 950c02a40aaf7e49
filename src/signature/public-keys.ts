/** Public keys, read in every shape in which publishers serve them, and what they may sign. */
import { type Key, type KeyID, loadOpenpgp, type Subkey } from './openpgp.js'
import type { Refusal } from './refusal.js'

const beginning = '-----BEGIN PGP PUBLIC KEY BLOCK-----'

/**
 * The keys in a file: binary or armoured, one or many, also between other text. What cannot be read is left out, for a
 * keyring of 80 keys is no worse for one of a kind that is not known yet.
 */
export async function readPublicKeys(bytes: Uint8Array): Promise<readonly Key[]> {
  const { readKeys } = await loadOpenpgp()
  const config = { ignoreMalformedPackets: true }
  const blocks = Buffer.from(bytes).toString('latin1').split(beginning).slice(1)
  const reading =
    blocks.length === 0
      ? [readKeys({ binaryKeys: bytes, config })]
      : blocks.map((block) => readKeys({ armoredKeys: beginning + block, config }))
  const read = await Promise.allSettled(reading)
  const keys = read.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  return keys.filter((key) => !key.isPrivate())
}

/** Of the primary key, 40 hex digits in upper case. */
export function fingerprintOf(key: Key): string {
  return key.getFingerprint().toUpperCase()
}

/**
 * The primary key or subkey `id`, if it may sign data and could when the signature was made.
 *
 * openpgp judges a key by the self-signatures of that day. Publishers extend a key by a new self-signature, and key
 * servers drop the old ones; openpgp then finds none, or only one by which the key had expired. As gpg does, the newest
 * self-signature is believed for all days: it is the owner's last word. A key that was revoked since then is good only by
 * the first rule, which counts a revocation as of its day, or as of always when the key was compromised.
 */
export async function findSigningKey(
  key: Key,
  id: KeyID,
  madeAt: Date,
  now: Date,
): Promise<Key | Subkey | Refusal> {
  try {
    return await key.getSigningKey(id, madeAt)
  } catch {
    // The second rule says more.
  }
  const name = `key ${id.toHex().toUpperCase()} of ${fingerprintOf(key)}`
  try {
    const signing = await key.getSigningKey(id, null)
    const expiries = [await key.getExpirationTime(), await expiryOf(signing, now)]
    const expiry = Math.min(...expiries.map(Number)) // null, for a binding that has itself expired, is 0
    if (madeAt < signing.getCreationTime()) return refuse('SIGNATURE_INVALID', `is older than its ${name}`)
    if (madeAt.getTime() < expiry) return signing
    const days = `${dayOf(madeAt)}, when its ${name} had expired (${dayOf(new Date(expiry))})`
    return refuse('SIGNATURE_EXPIRED', `was made on ${days}`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // openpgp has no codes for errors, only messages.
    if (/revoked/.test(reason)) return refuse('SIGNATURE_EXPIRED', `is by ${name}, which was revoked`)
    return refuse('SIGNATURE_UNKNOWN', `is by ${name}, which may not sign (${reason})`)
  }
}

function expiryOf(signing: Key | Subkey, now: Date): Promise<Date | number | null> {
  return 'mainKey' in signing ? signing.getExpirationTime(now) : signing.getExpirationTime()
}

function refuse(code: Refusal['code'], found: string): Refusal {
  return { code, found }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
