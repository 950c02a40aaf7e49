import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as openpgp from 'openpgp'
import { expect, test } from 'vitest'
import { verifyDetached } from '../../src/signature/verify.js'
import { errorOf } from '../support/error-of.js'
import { makeKey, renewKey, revokeKey, signDetached, type TestKey, testKey } from '../support/keys.js'
import { startVerifying, type Verifying } from './verifying.js'

const sums = 'ab  acme.qcow2\n'
const url = 'https://acme.example.org/SHA256SUMS.asc'
const day = (text: string) => new Date(`${text}T00:00:00Z`)
const revocationDay = day('2025-01-01')
const after = day('2025-06-01')

/** One copy in a file of its own each. */
async function keyringsOf(verifying: Verifying, copies: readonly TestKey[]): Promise<readonly string[]> {
  const paths = copies.map((_, index) => join(verifying.directory, `keyring-${index}.gpg`))
  await Promise.all(copies.map(({ bytes }, index) => writeFile(paths[index] ?? '', bytes)))
  return paths
}

/** @param installed copies that are in keyrings; the server of `verifying` has another. */
async function verify(
  verifying: Verifying,
  by: TestKey | readonly TestKey[],
  { installed = [], date }: { readonly installed?: readonly TestKey[]; readonly date?: Date } = {},
) {
  const signer = {
    ...verifying.pin(...[by].flat()),
    keyrings: await keyringsOf(verifying, installed),
  }
  const bytes = Buffer.from(await signDetached(sums, by, date && { date }))
  const signed = { name: 'SHA256SUMS', bytes: Buffer.from(sums) }
  return verifyDetached(signed, { bytes, url }, signer, verifying.evidence)
}

async function withNewSubkey({ secret }: TestKey): Promise<TestKey> {
  return testKey(await secret.addSubkey({ sign: true, date: day('2024-05-01') }))
}

async function withRevokedSubkey(
  { secret }: TestKey,
  reason: 'keyCompromised' | 'keyRetired',
): Promise<TestKey> {
  const key = await openpgp.readPrivateKey({ binaryKey: secret.write() })
  const flag = openpgp.enums.reasonForRevocation[reason]
  const { keyPacket } = secret
  if (!(keyPacket instanceof openpgp.SecretKeyPacket)) throw new TypeError('a secret key has a secret packet')
  key.subkeys = await Promise.all(
    key.subkeys.map((subkey) => subkey.revoke(keyPacket, { flag }, revocationDay)),
  )
  return testKey(key)
}

test('A key that is revoked in an installed keyring is not rescued by an older copy of the publisher', async () => {
  const key = await makeKey()
  const revoked = await revokeKey(key, revocationDay, 'keyCompromised')
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, key, { installed: [revoked] }))
  expect(error.code).toBe('SIGNATURE_EXPIRED')
  expect(error.message).toContain('was revoked')
  expect(verifying.mirror.requests).toEqual([])
  expect(verifying.evidence.keyCache.find(key.fingerprint)).toBeUndefined()
})

test('A key that is revoked in an installed keyring is not rescued by the cache, or by another keyring', async () => {
  const key = await makeKey()
  const revoked = await revokeKey(key, revocationDay, 'keyCompromised')
  await using verifying = await startVerifying(key)
  verifying.evidence.keyCache.keep(key.fingerprint, key.bytes)
  for (const installed of [[revoked], [key, revoked], [revoked, key]]) {
    expect((await errorOf(verify(verifying, key, { installed }))).code).toBe('SIGNATURE_EXPIRED')
  }
  expect((await verify(verifying, key, { installed: [key, key] })).fingerprint).toBe(key.fingerprint)
})

test('A key that is revoked in the cache is not rescued by an older keyring', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const revoked = await revokeKey(key, revocationDay, 'keyCompromised')
  verifying.evidence.keyCache.keep(key.fingerprint, revoked.bytes)
  expect((await errorOf(verify(verifying, key, { installed: [key] }))).code).toBe('SIGNATURE_EXPIRED')
})

test('A revocation counts against a subkey of which the revoked copy does not know', async () => {
  const key = await makeKey()
  const stolen = await withNewSubkey(key)
  const revoked = await revokeKey(key, revocationDay, 'keyCompromised')
  await using verifying = await startVerifying(stolen)
  expect((await errorOf(verify(verifying, stolen, { installed: [revoked] }))).code).toBe('SIGNATURE_EXPIRED')
  expect((await verify(verifying, stolen, { installed: [key] })).fingerprint).toBe(key.fingerprint)
})

test('The revocation that the publisher shows is kept instead of the older copy', async () => {
  const old = await makeKey({ expires: day('2024-09-01') })
  const extended = await renewKey(old, day('2024-02-01'))
  const revoked = await revokeKey(extended, revocationDay, 'keyCompromised')
  await using verifying = await startVerifying(revoked)
  verifying.evidence.keyCache.keep(old.fingerprint, old.bytes)
  expect((await verify(verifying, old)).fingerprint).toBe(old.fingerprint)
  const late = verify(verifying, extended, { date: day('2024-10-01') })
  expect((await errorOf(late)).code).toBe('SIGNATURE_EXPIRED')
  expect(verifying.evidence.keyCache.find(old.fingerprint)).toEqual(revoked.bytes)
  expect((await errorOf(verify(verifying, old))).message).toContain('was revoked')
  expect(verifying.mirror.requests).toHaveLength(1)
})

test('A key that was retired is good for what it signed before, whatever other copies say', async () => {
  const key = await makeKey()
  const retired = await revokeKey(key, revocationDay, 'keyRetired')
  await using verifying = await startVerifying(key)
  for (const installed of [[retired], [retired, key], [key, retired]]) {
    expect((await verify(verifying, key, { installed })).fingerprint).toBe(key.fingerprint)
    const late = verify(verifying, key, { installed, date: after })
    expect((await errorOf(late)).code).toBe('SIGNATURE_EXPIRED')
  }
  expect(verifying.mirror.requests).toEqual([])
})

test('A copy in which a key was retired is not replaced by one that does not say so', async () => {
  const key = await makeKey()
  const rotated = await withNewSubkey(key)
  const retired = await revokeKey(key, revocationDay, 'keyRetired')
  await using verifying = await startVerifying(rotated)
  verifying.evidence.keyCache.keep(key.fingerprint, retired.bytes)
  expect((await verify(verifying, rotated)).fingerprint).toBe(key.fingerprint)
  expect(verifying.evidence.keyCache.find(key.fingerprint)).toEqual(retired.bytes)
  expect((await errorOf(verify(verifying, key, { date: after }))).code).toBe('SIGNATURE_EXPIRED')
})

test('A subkey that is revoked in one copy is not rescued by another', async () => {
  const key = await makeKey({ subkeys: [{}] })
  const revoked = await withRevokedSubkey(key, 'keyCompromised')
  await using verifying = await startVerifying(key)
  for (const installed of [[revoked], [key, revoked]]) {
    expect((await errorOf(verify(verifying, key, { installed }))).code).toBe('SIGNATURE_EXPIRED')
  }
  expect(verifying.mirror.requests).toEqual([])
})

test('A subkey that was retired is good for what it signed before', async () => {
  const key = await makeKey({ subkeys: [{}] })
  const retired = await withRevokedSubkey(key, 'keyRetired')
  await using verifying = await startVerifying(retired)
  expect((await verify(verifying, key)).fingerprint).toBe(key.fingerprint)
  expect((await errorOf(verify(verifying, key, { date: after }))).code).toBe('SIGNATURE_EXPIRED')
})

test('The subkeys of a key that is retired may still have signed before', async () => {
  const key = await makeKey()
  const rotated = await withNewSubkey(key)
  const retired = await revokeKey(key, revocationDay, 'keyRetired')
  await using verifying = await startVerifying(rotated)
  expect((await verify(verifying, rotated, { installed: [retired] })).fingerprint).toBe(key.fingerprint)
})

test('A revoked key does no harm to another that is pinned beside it', async () => {
  const [key, other] = [await makeKey(), await makeKey({ name: 'other' })]
  const revoked = await revokeKey(other, revocationDay, 'keyCompromised')
  await using verifying = await startVerifying(Buffer.concat([other.bytes, key.bytes]))
  const verified = await verify(verifying, [other, key], { installed: [revoked] })
  expect(verified.fingerprint).toBe(key.fingerprint)
  expect(verifying.evidence.keyCache.find(other.fingerprint)).toBeUndefined()
})

test('Of several copies of a key in one file the one that does counts, in either order', async () => {
  const old = await makeKey({ expires: day('2024-03-01') })
  const older = await makeKey({ name: 'other' })
  const renewed = await renewKey(old, day('2024-03-02'), day('2030-01-01'))
  for (const copies of [
    [old, renewed, older],
    [renewed, older, old],
  ]) {
    await using verifying = await startVerifying(Buffer.concat(copies.map(({ bytes }) => bytes)))
    expect((await verify(verifying, renewed)).fingerprint).toBe(old.fingerprint)
    expect(verifying.evidence.keyCache.find(old.fingerprint)).toEqual(renewed.bytes)
  }
})

test('Of several copies of a key in one file none does when it had expired in all', async () => {
  const old = await makeKey({ expires: day('2024-02-01') })
  const renewed = await renewKey(old, day('2024-01-02'), day('2024-03-01'))
  const extended = await renewKey(old, day('2024-02-01'))
  await using verifying = await startVerifying(Buffer.concat([old.bytes, renewed.bytes]))
  expect((await errorOf(verify(verifying, extended))).code).toBe('SIGNATURE_EXPIRED')
})
