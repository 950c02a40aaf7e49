/**
 * Who may have made a signature, by all copies of public keys that were found. Copies differ: servers drop
 * self-signatures, packages are old, and only some may know of a new subkey or of a revocation.
 */
import { type Key, type KeyID, loadOpenpgp, type Subkey } from './openpgp.js'
import { fingerprintOf } from './public-keys.js'
import { type SignatureRefusal, worstOf } from './refusal.js'

export interface SigningKey {
  /** The copy that says so. */
  readonly copy: Key
  /** That key, or one of its subkeys. */
  readonly signer: Key | Subkey
}

interface Signing {
  readonly id: KeyID
  readonly madeAt: Date
  readonly now: Date
}

/**
 * For each primary key that has the key or subkey `keyId`: the one that may sign data and could when the signature was
 * made, or why there is none. One copy that says so is enough, and one revocation is enough against all of them.
 *
 * @param keys copies of the same key are told by their fingerprint.
 * @param keyId 16 hex digits in lower case.
 */
export async function findSigningKeys(
  keys: readonly Key[],
  keyId: string,
  madeAt: Date,
  now: Date,
): Promise<readonly (SigningKey | SignatureRefusal)[]> {
  const ids = new Map(
    keys.flatMap((key) => {
      const id = key.getKeyIDs().find((each) => each.toHex() === keyId)
      return id ? [[fingerprintOf(key), id] as const] : []
    }),
  )
  return Promise.all(
    [...ids].map(([fingerprint, id]) => {
      // Also those without the subkey: they may have a revocation of the primary key.
      const copies = keys.filter((key) => fingerprintOf(key) === fingerprint)
      return findAmong(copies, { id, madeAt, now })
    }),
  )
}

async function findAmong(copies: readonly Key[], signing: Signing): Promise<SigningKey | SignatureRefusal> {
  const verdicts = await Promise.all(copies.map((copy) => judgeCopy(copy, signing)))
  const refusals = verdicts.flatMap((verdict) => ('code' in verdict ? verdict : []))
  const good = verdicts.flatMap((verdict) => ('code' in verdict ? [] : verdict))
  const found = refusals.find(({ revokedIn }) => revokedIn) ?? good[0] ?? worstOf(refusals)
  return found ?? refuse('SIGNATURE_UNKNOWN', `is by key ${signing.id.toHex().toUpperCase()}`)
}

/**
 * openpgp judges a key by the self-signatures of that day. Publishers extend a key by a new self-signature, and key
 * servers drop the old ones; openpgp then finds none, or only one by which the key had expired. As gpg does, the newest
 * self-signature is believed for all days: it is the owner's last word. A key that was revoked since then is good only by
 * the first rule, which counts a revocation as of its day, or as of always when the key was compromised.
 */
async function judgeCopy(copy: Key, { id, madeAt, now }: Signing): Promise<SigningKey | SignatureRefusal> {
  const name = `key ${id.toHex().toUpperCase()} of ${fingerprintOf(copy)}`
  const revoked = refuse('SIGNATURE_EXPIRED', `is by ${name}, which was revoked`)
  if (await isRevoked(copy, id, madeAt)) return { ...revoked, revokedIn: copy }
  try {
    return { copy, signer: await copy.getSigningKey(id, madeAt) }
  } catch {
    // The second rule says more.
  }
  try {
    const signer = await copy.getSigningKey(id, null)
    const expiries = [await copy.getExpirationTime(), await expiryOf(signer, now)]
    const expiry = Math.min(...expiries.map(Number)) // null, for a binding that has itself expired, is 0
    if (madeAt < signer.getCreationTime()) return refuse('SIGNATURE_INVALID', `is older than its ${name}`)
    if (madeAt.getTime() < expiry) return { copy, signer }
    const days = `${dayOf(madeAt)}, when its ${name} had expired (${dayOf(new Date(expiry))})`
    return refuse('SIGNATURE_EXPIRED', `was made on ${days}`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // openpgp has no codes for errors, only messages.
    if (/revoked/.test(reason)) return revoked
    return refuse('SIGNATURE_UNKNOWN', `is by ${name}, which may not sign (${reason})`)
  }
}

/** Whether the primary key is revoked, or the subkey, for what was signed at that time. */
async function isRevoked(copy: Key, id: KeyID, at: Date): Promise<boolean> {
  if (await copy.isRevoked(undefined, undefined, at)) return true
  const { SignaturePacket } = await loadOpenpgp()
  const subkeys = copy.getSubkeys().filter((subkey) => subkey.getKeyID().equals(id))
  const answers = subkeys.map((subkey) => {
    // It wants the signature that may be revoked, looks who made it, and writes the answer into it.
    const binding = Object.assign(new SignaturePacket(), { issuerKeyID: copy.getKeyID() })
    return subkey.isRevoked(binding, copy.keyPacket, at)
  })
  return (await Promise.all(answers)).includes(true)
}

function expiryOf(signer: Key | Subkey, now: Date): Promise<Date | number | null> {
  return 'mainKey' in signer ? signer.getExpirationTime(now) : signer.getExpirationTime()
}

function refuse(code: SignatureRefusal['code'], found: string): SignatureRefusal {
  return { code, found }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
