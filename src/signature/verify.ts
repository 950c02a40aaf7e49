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
import { type Claim, isFinal, type Refusal, signatureError, worstOf } from './refusal.js'

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

/**
 * Publishers exchange subkeys and extend their keys: a key that does not do is looked for at the next place. What is
 * final, a revocation above all, ends the search, and no older copy elsewhere is asked for a better word.
 */
async function verify(
  claim: Claim,
  signatures: readonly DataSignature[],
  open: OpenData,
  signer: Signer,
  evidence: Evidence,
): Promise<Verified> {
  const places: KeyPlace[] = []
  const refusals = new Map<DataSignature, Refusal>()
  const undecided = new Set(signatures)
  for await (const looked of lookForKeys(signer, evidence.keyCache, evidence.context)) {
    places.push(...looked)
    if (looked.every(({ keys }) => keys.length === 0)) continue
    const keys = places.flatMap((place) => place.keys)
    for (const signature of undecided) {
      const verdict = await judge(signature, keys, open, evidence.context)
      const copy = 'verified' in verdict ? verdict.copy : verdict.revokedIn
      if (copy) await keepCopy(copy, places, evidence)
      if ('verified' in verdict) return verdict.verified
      refusals.set(signature, verdict)
      if (isFinal(verdict)) undecided.delete(signature)
    }
    if (undecided.size === 0) break
  }
  throw failure(claim, signer, [...refusals.values()], places)
}

/**
 * Keeps the copy of the key that decided, unless it is on this machine already. A copy in which the key is revoked goes
 * before it, and is never replaced by another.
 */
async function keepCopy(
  copy: Key,
  places: readonly KeyPlace[],
  { context, keyCache }: Evidence,
): Promise<void> {
  const fingerprint = fingerprintOf(copy)
  let kept = copy
  for (const each of places.flatMap(({ keys }) => keys)) {
    if (fingerprintOf(each) !== fingerprint) continue
    if (await each.isRevoked(undefined, undefined, new Date(context.now()))) kept = each
  }
  if (places.some(({ isLocal, keys }) => isLocal && keys.includes(kept))) return
  keyCache.keep(fingerprint, kept.write())
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
  if (refusal?.code === 'TOOL_MISSING') return refusal.error
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
