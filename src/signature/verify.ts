/**
 * Verifies what publishers sign. One good signature by a key whose primary fingerprint is pinned is enough, and is
 * needed: no signature at all never passes. Signatures by others beside it do no harm.
 */
import { createReadStream } from 'node:fs'
import type { Context } from '../context.js'
import type { VmImageError } from '../errors.js'
import type { Signer } from '../providers/definition.js'
import { parseClearSigned } from './clear-signed.js'
import { type DataSignature, readDataSignatures } from './data-signatures.js'
import { judge, type OpenData, type Verified } from './judge.js'
import type { KeyCache } from './key-cache.js'
import { type KeyPlace, lookForKeys } from './key-places.js'
import type { Key } from './openpgp.js'
import { fingerprintOf } from './public-keys.js'
import { type Claim, type Refusal, signatureError, worstOf } from './refusal.js'

/** Where keys are kept, and how they are asked for. */
export interface Evidence {
  readonly context: Context
  readonly keyCache: KeyCache
}

/** A signature beside what it signs, armoured or binary. */
export interface DetachedSignature {
  readonly bytes: Uint8Array
  readonly url: string
}

/**
 * The text inside a clear-signed page: only this may be parsed.
 *
 * @throws VmImageError what {@link verifyDetached} throws.
 */
export async function verifyClearSigned(
  page: { readonly body: string; readonly url: string },
  signer: Signer,
  evidence: Evidence,
): Promise<Verified & { readonly payload: string }> {
  const claim = { name: page.url }
  const { payload, armour } = parseClearSigned(page.body, claim)
  const signatures = await readDataSignatures(Buffer.from(armour), claim, signer)
  const signed = Buffer.from(payload.replaceAll('\n', '\r\n'))
  return { ...(await verify(claim, signatures, () => once(signed), signer, evidence)), payload }
}

/**
 * @param signed a small file, its bytes exactly as they were served.
 * @throws VmImageError SIGNATURE_MISSING when there is no signature in `signature`; SIGNATURE_INVALID when it is not of
 * these bytes, not well formed, from the future or by a weak hash; SIGNATURE_UNKNOWN when it is by other keys only;
 * SIGNATURE_EXPIRED when its key had expired or is revoked; KEY_MISSING when the pinned keys are nowhere, or else NETWORK
 * or OFFLINE; TOOL_MISSING when the signature is of an old kind and gpgv is not installed.
 */
export async function verifyDetached(
  signed: { readonly name: string; readonly bytes: Uint8Array },
  signature: DetachedSignature,
  signer: Signer,
  evidence: Evidence,
): Promise<Verified> {
  const claim = { name: signed.name, url: signature.url }
  const signatures = await readDataSignatures(signature.bytes, claim, signer)
  return verify(claim, signatures, () => once(signed.bytes), signer, evidence)
}

/**
 * A file on disk of any size, streamed.
 *
 * @throws VmImageError what {@link verifyDetached} throws; Node's own error when the file cannot be read.
 */
export async function verifyFile(
  path: string,
  name: string,
  signature: DetachedSignature,
  signer: Signer,
  evidence: Evidence,
): Promise<Verified> {
  const claim = { name, url: signature.url }
  const signatures = await readDataSignatures(signature.bytes, claim, signer)
  return verify(claim, signatures, () => contentOf(path, evidence.context.signal), signer, evidence)
}

/** Publishers exchange subkeys and extend their keys: a key that does not do is looked for at the next place. */
async function verify(
  claim: Claim,
  signatures: readonly DataSignature[],
  open: OpenData,
  signer: Signer,
  evidence: Evidence,
): Promise<Verified> {
  const places: KeyPlace[] = []
  const refusals: Refusal[] = []
  for await (const place of lookForKeys(signer, evidence.keyCache, evidence.context)) {
    places.push(place)
    if (place.keys.length === 0) continue
    const found: Refusal[] = []
    for (const signature of signatures) {
      const verdict = await judge(signature, place.keys, open, evidence.context)
      if ('signedAt' in verdict) {
        if (!place.isCache) keepKeys(place.keys, verdict, evidence)
        return verdict
      }
      found.push(verdict)
    }
    refusals.push(...found)
    // No other version of the key can make wrong bytes right.
    if (found.every(({ code }) => code === 'SIGNATURE_INVALID')) break
  }
  throw failure(claim, signer, refusals, places)
}

/** The one that did replaces what is kept; the others only fill gaps, for they may be older than what is kept. */
function keepKeys(keys: readonly Key[], { fingerprint }: Verified, { keyCache }: Evidence): void {
  for (const key of keys) {
    const name = fingerprintOf(key)
    if (name === fingerprint || keyCache.find(name) === undefined) keyCache.keep(name, key.write())
  }
}

function failure(
  claim: Claim,
  { fingerprints }: Signer,
  refusals: readonly Refusal[],
  looked: readonly KeyPlace[],
): VmImageError {
  const places = looked.map(({ name, found }) => `  ${name}: ${found}`)
  const cause = looked.find((place) => place.failure)?.failure
  const pinned = `pinned: ${fingerprints.join(', ')}`
  const refusal = worstOf(refusals)
  if (refusal) return signatureError(refusal.code, claim, `${refusal.found}; ${pinned}`, { places, cause })
  const code = cause?.code === 'NETWORK' || cause?.code === 'OFFLINE' ? cause.code : 'KEY_MISSING'
  return signatureError(code, claim, `cannot be checked without its key; ${pinned}`, { places, cause })
}

/** Opened by the first read: a signature that cannot be proven leaves no file open. */
async function* contentOf(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: 2 ** 18, signal })
}

async function* once(bytes: Uint8Array) {
  yield bytes
}
