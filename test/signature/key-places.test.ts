import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Signer } from '../../src/providers/definition.js'
import { cacheLayout, keyPath } from '../../src/store/layout.js'
import { verifyDetached } from '../../src/signature/verify.js'
import { errorOf } from '../support/error-of.js'
import { makeKey, renewKey, signDetached, type TestKey, testKey } from '../support/keys.js'
import { keyUrl, startVerifying, type Verifying } from './verifying.js'

const sums = 'ab  acme.qcow2\n'
const url = 'https://acme.example.org/SHA256SUMS.asc'
const day = (text: string) => new Date(`${text}T00:00:00Z`)

async function verify(verifying: Verifying, key: TestKey, signer: Signer, date?: Date) {
  const bytes = Buffer.from(await signDetached(sums, key, date && { date }))
  const signed = { name: 'SHA256SUMS', bytes: Buffer.from(sums) }
  return verifyDetached(signed, { bytes, url }, signer, verifying.evidence)
}

test('A key is asked for once, and then comes from the cache', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  await verify(verifying, key, verifying.pin(key))
  await verify(verifying, key, verifying.pin(key))
  expect(verifying.mirror.requests.map(({ path }) => path)).toEqual(['/keys.example.org/acme.asc'])
  expect(verifying.mirror.requests[0]?.headers['cache-control']).toBe('no-cache')
})

test('A cached key needs no network, and is not written again', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key, { offline: true })
  verifying.evidence.keyCache.keep(key.fingerprint, key.bytes)
  const { ino } = statSync(keyPath(cacheLayout(verifying.evidence.context.cacheDir), key.fingerprint))
  expect((await verify(verifying, key, verifying.pin(key))).fingerprint).toBe(key.fingerprint)
  expect(statSync(keyPath(cacheLayout(verifying.evidence.context.cacheDir), key.fingerprint)).ino).toBe(ino)
})

test('A key in the cache under the name of another is not believed', async () => {
  const [key, stranger] = [await makeKey(), await makeKey({ name: 'mallory' })]
  await using verifying = await startVerifying(key)
  verifying.evidence.keyCache.keep(key.fingerprint, stranger.bytes)
  expect((await verify(verifying, key, verifying.pin(key))).fingerprint).toBe(key.fingerprint)
  await expect(verify(verifying, stranger, verifying.pin(key))).rejects.toMatchObject({
    code: 'SIGNATURE_UNKNOWN',
  })
})

test('A torn file in the cache spoils no other', async () => {
  const [key, other] = [await makeKey(), await makeKey({ name: 'other' })]
  await using verifying = await startVerifying(key, { offline: true })
  verifying.evidence.keyCache.keep(other.fingerprint, other.bytes.subarray(0, 60))
  verifying.evidence.keyCache.keep(key.fingerprint, key.bytes)
  expect((await verify(verifying, key, verifying.pin(other, key))).fingerprint).toBe(key.fingerprint)
})

test('A torn file in the cache is replaced', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  verifying.evidence.keyCache.keep(key.fingerprint, key.bytes.subarray(0, 60))
  await verify(verifying, key, verifying.pin(key))
  expect(verifying.evidence.keyCache.find(key.fingerprint)).toEqual(key.bytes)
})

test('When the publisher has a new subkey, the key is asked for again and kept', async () => {
  const old = await makeKey()
  const rotated = testKey(await old.secret.addSubkey({ sign: true, date: day('2024-05-01') }))
  await using verifying = await startVerifying(rotated)
  verifying.evidence.keyCache.keep(old.fingerprint, old.bytes)
  expect((await verify(verifying, rotated, verifying.pin(old))).fingerprint).toBe(old.fingerprint)
  await verify(verifying, rotated, verifying.pin(old))
  expect(verifying.mirror.requests).toHaveLength(1)
})

test('When the cached key has expired, the key is asked for again and kept', async () => {
  const old = await makeKey({ expires: day('2024-03-01') })
  const extended = await renewKey(old, day('2024-02-01'), day('2026-01-01'))
  await using verifying = await startVerifying(extended)
  verifying.evidence.keyCache.keep(old.fingerprint, old.bytes)
  expect((await verify(verifying, extended, verifying.pin(old))).fingerprint).toBe(old.fingerprint)
  expect(verifying.evidence.keyCache.find(old.fingerprint)).toEqual(extended.bytes)
})

test('A cached key that does not do stays the reason when no other is to be had', async () => {
  const old = await makeKey({ expires: day('2024-03-01') })
  const extended = await renewKey(old, day('2024-02-01'))
  await using verifying = await startVerifying(extended, { offline: true })
  verifying.evidence.keyCache.keep(old.fingerprint, old.bytes)
  const error = await errorOf(verify(verifying, extended, verifying.pin(old)))
  expect(error.code).toBe('SIGNATURE_EXPIRED')
  expect(error.message).toContain(`${keyUrl}: the network is switched off`)
})

test('Wrong bytes do not send anybody to the network', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  verifying.evidence.keyCache.keep(key.fingerprint, key.bytes)
  const bytes = Buffer.from(await signDetached('other', key))
  const signed = { name: 'SHA256SUMS', bytes: Buffer.from(sums) }
  const running = verifyDetached(signed, { bytes, url }, verifying.pin(key), verifying.evidence)
  expect((await errorOf(running)).code).toBe('SIGNATURE_INVALID')
  expect(verifying.mirror.requests).toEqual([])
})

test('A keyring of an installed package is looked at before the network, and one that is not there is passed over', async () => {
  const [key, other] = [await makeKey(), await makeKey({ name: 'other' })]
  await using verifying = await startVerifying('<html>never asked</html>')
  const keyring = join(verifying.directory, 'keyring.gpg')
  await writeFile(keyring, Buffer.concat([other.bytes, key.bytes]))
  const keyrings = [join(verifying.directory, 'gone.gpg'), verifying.directory, keyring]
  const verified = await verify(verifying, key, { ...verifying.pin(key), keyrings })
  expect(verified.fingerprint).toBe(key.fingerprint)
  expect(verifying.mirror.requests).toEqual([])
})

test('When the keyring of an installed package is too old, the publisher is asked', async () => {
  const old = await makeKey()
  const rotated = testKey(await old.secret.addSubkey({ sign: true, date: day('2024-05-01') }))
  await using verifying = await startVerifying(rotated)
  const keyring = join(verifying.directory, 'keyring.gpg')
  await writeFile(keyring, old.bytes)
  const verified = await verify(verifying, rotated, { ...verifying.pin(old), keyrings: [keyring] })
  expect(verified.fingerprint).toBe(old.fingerprint)
})

test('Of a file with many keys the one that did is kept, and no other', async () => {
  const names = ['a', 'b', 'c']
  const [key, other, stranger] = await Promise.all(names.map((name) => makeKey({ name })))
  if (!key || !other || !stranger) throw new TypeError('three keys are made')
  await using verifying = await startVerifying(
    Buffer.concat([other, stranger, key].map(({ bytes }) => bytes)),
  )
  await verify(verifying, key, verifying.pin(key, other))
  const kept = [key, other, stranger].map(({ fingerprint }) => verifying.evidence.keyCache.find(fingerprint))
  expect(kept).toEqual([key.bytes, undefined, undefined])
})

test('A key of an installed keyring is not kept in the cache', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying('<html>never asked</html>')
  const keyring = join(verifying.directory, 'keyring.gpg')
  await writeFile(keyring, key.bytes)
  await verify(verifying, key, { ...verifying.pin(key), keyrings: [keyring] })
  expect(verifying.evidence.keyCache.find(key.fingerprint)).toBeUndefined()
})

test.each([
  ['answers with HTML', '<html>no key here</html>', 'keys found: 0, of these pinned: 0'],
  ['answers with nothing', '', 'keys found: 0, of these pinned: 0'],
  ['has a key block that is cut off', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME', 'keys found: 0'],
])('A server that %s is named with what it had', async (_, served, found) => {
  const key = await makeKey()
  await using verifying = await startVerifying(served)
  const error = await errorOf(verify(verifying, key, verifying.pin(key)))
  expect(error.code).toBe('KEY_MISSING')
  expect(error.message).toContain(key.fingerprint)
  expect(error.message).toContain(`  ${keyUrl}: ${found}`)
  expect(error.message).toContain('\nInstall a package that has the keyring')
})

test('All places are tried in order, and those that answered without a key are named with their status', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const keyUrls = ['https://keys.example.org/gone.asc', 'http://keys.example.org/acme.asc', keyUrl]
  await verify(verifying, key, { ...verifying.pin(key), keyUrls })
  expect(verifying.mirror.requests.map(({ path }) => path)).toEqual([
    '/keys.example.org/gone.asc',
    '/keys.example.org/acme.asc',
  ])
  const unpinned = await makeKey()
  const error = await errorOf(verify(verifying, unpinned, { ...verifying.pin(unpinned), keyUrls }))
  expect(error.code).toBe('KEY_MISSING')
  expect(error.message).toMatch(/gone\.asc: .*404/)
  expect(error.message).toContain(
    'http://keys.example.org/acme.asc: not asked, for it is not an https address',
  )
  expect(error.message).toContain(`${keyUrl}: keys found: 1, of these pinned: 0`)
})

test('A server that does not answer leaves it open who has the key', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  await verifying.mirror[Symbol.asyncDispose]()
  const error = await errorOf(verify(verifying, key, verifying.pin(key)))
  expect(error.code).toBe('NETWORK')
  expect(error.cause).toMatchObject({ code: 'NETWORK' })
  expect(error.message).toContain(keyUrl)
})

test('A server that is overloaded leaves it open as well', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  verifying.mirror.fail('/keys.example.org/acme.asc', { status: 503 }, Infinity)
  const error = await errorOf(verify(verifying, key, verifying.pin(key)))
  expect(error.code).toBe('NETWORK')
  expect(error.message).toContain('503')
})

test('Without the network and without the key the error says so', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key, { offline: true })
  expect((await errorOf(verify(verifying, key, verifying.pin(key)))).code).toBe('OFFLINE')
})

test('A server that sends without end is not read to the end', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(Buffer.alloc(5 * 2 ** 20))
  const error = await errorOf(verify(verifying, key, verifying.pin(key)))
  expect(error.code).toBe('KEY_MISSING')
  expect(error.message).toContain('4194304 bytes')
})

test('A private key is no public key, wherever it comes from', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(Buffer.from(key.secret.write()))
  expect((await errorOf(verify(verifying, key, verifying.pin(key)))).code).toBe('KEY_MISSING')
})
