import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as openpgp from 'openpgp'
import { expect, test } from 'vitest'
import { verifyClearSigned, verifyDetached, verifyFile } from '../../src/signature/verify.js'
import { errorOf } from '../support/error-of.js'
import {
  clearSign,
  makeKey,
  renewKey,
  revokeKey,
  signDetached,
  signOddly,
  type TestKey,
  testKey,
  toBinary,
} from '../support/keys.js'
import { startVerifying, type Verifying } from './verifying.js'

const sums = `${createHash('sha256').update('acme').digest('hex')}  acme-13.x86_64.qcow2\n`
const url = 'https://acme.example.org/SHA256SUMS.gpg'
const day = (text: string) => new Date(`${text}T00:00:00Z`)

function verify(
  verifying: Verifying,
  signature: string | Buffer,
  pinned: readonly TestKey[],
  data: string = sums,
) {
  return verifyDetached(
    { name: 'SHA256SUMS', bytes: Buffer.from(data) },
    { bytes: Buffer.from(signature), url },
    verifying.pin(...pinned),
    verifying.evidence,
  )
}

test('A signature by a pinned key is good, and tells the key and the date', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const verified = await verify(verifying, await signDetached(sums, key), [key])
  expect(verified).toEqual({ fingerprint: key.fingerprint, signedAt: day('2024-06-01') })
})

test('A binary signature is good like an armoured one', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const verified = await verify(verifying, await toBinary(await signDetached(sums, key)), [key])
  expect(verified.fingerprint).toBe(key.fingerprint)
})

test('A signature by an RSA key is good', async () => {
  const key = await makeKey({ type: 'rsa' })
  await using verifying = await startVerifying(key)
  expect((await verify(verifying, await signDetached(sums, key), [key])).fingerprint).toBe(key.fingerprint)
})

test('A signature by a key that is not pinned is refused, with both names', async () => {
  const [pinned, stranger] = [await makeKey(), await makeKey({ name: 'mallory' })]
  await using verifying = await startVerifying(pinned)
  const error = await errorOf(verify(verifying, await signDetached(sums, stranger), [pinned]))
  expect(error.code).toBe('SIGNATURE_UNKNOWN')
  expect(error.message).toContain(stranger.fingerprint.slice(-16))
  expect(error.message).toContain(pinned.fingerprint)
  expect(error.message).toContain("say what the file is: { checksum: 'sha256:<hex>' }.")
})

test('A server that offers a key that is not pinned has no say', async () => {
  const [pinned, stranger] = [await makeKey(), await makeKey({ name: 'mallory' })]
  await using verifying = await startVerifying(stranger)
  const error = await errorOf(verify(verifying, await signDetached(sums, stranger), [pinned]))
  expect(error.code).toBe('KEY_MISSING')
  expect(verifying.evidence.keyCache.find(stranger.fingerprint)).toBeUndefined()
})

test('A signature of other bytes is refused', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, await signDetached('other bytes', key), [key]))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain(`Cannot trust "SHA256SUMS": its signature ${url} by key`)
})

test('A signature of which one bit was turned is refused', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const signature = await toBinary(await signDetached(sums, key))
  signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1)
  expect((await errorOf(verify(verifying, signature, [key]))).code).toBe('SIGNATURE_INVALID')
})

test.each([
  ['nothing', ''],
  ['a page of HTML', '<html><body>404 Not Found</body></html>'],
  ['an empty armour', '-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n'],
  [
    'an armour with a checksum of nothing',
    '-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n',
  ],
])('%s is no signature, and does not pass for one', async (_, signature) => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  expect((await errorOf(verify(verifying, signature, [key]))).code).toBe('SIGNATURE_MISSING')
  expect(verifying.mirror.requests).toEqual([])
})

test.each([
  ['cut off', (signature: Buffer) => signature.subarray(0, 40)],
  [
    'followed by something else',
    (signature: Buffer) => Buffer.concat([signature, Buffer.from([0xff, 0x01])]),
  ],
  ['of a version that nobody knows', () => Buffer.from([0xc2, 3, 9, 0, 0])],
  [
    'there seventeen times',
    (signature: Buffer) => Buffer.concat(Array.from({ length: 17 }, () => signature)),
  ],
])('A signature that is %s is refused', async (_, spoil) => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const signature = spoil(await toBinary(await signDetached(sums, key)))
  expect((await errorOf(verify(verifying, signature, [key]))).code).toBe('SIGNATURE_INVALID')
})

test('A signature behind fifteen empty armours is found, and behind sixteen nobody looks', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const empty = '-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n'
  const signature = await signDetached(sums, key)
  expect((await verify(verifying, empty.repeat(15) + signature, [key])).fingerprint).toBe(key.fingerprint)
  const error = await errorOf(verify(verifying, empty.repeat(16) + signature, [key]))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('more than 16 parts')
})

test('A signature of more bytes than any publisher makes is refused', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const signature = await signDetached(sums, key)
  const padded = (sizeBytes: number) => signature.padEnd(sizeBytes)
  expect((await verify(verifying, padded(2 ** 16), [key])).fingerprint).toBe(key.fingerprint)
  for (const large of [padded(2 ** 16 + 1), Buffer.alloc(2 ** 16 + 1, Buffer.from([0xc2, 0]))]) {
    const error = await errorOf(verify(verifying, large, [key]))
    expect(error.code).toBe('SIGNATURE_INVALID')
    expect(error.message).toContain('more than 65536 bytes')
  }
})

test('A signature of a kind that covers no data is refused, whoever made it', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const signature = await signOddly('', key, { kind: 'standalone' })
  const error = await errorOf(verify(verifying, signature, [key]))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('proves nothing')
})

test('A signature by another key beside a good one does no harm, in either order', async () => {
  const [key, stranger] = [await makeKey(), await makeKey({ name: 'mallory' })]
  await using verifying = await startVerifying(key)
  for (const both of [
    [stranger, key],
    [key, stranger],
  ]) {
    const verified = await verify(verifying, await signDetached(sums, both), [key])
    expect(verified.fingerprint).toBe(key.fingerprint)
  }
})

test('A wrong signature beside a good one does no harm', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const both = [
    await toBinary(await signDetached('other', key)),
    await toBinary(await signDetached(sums, key)),
  ]
  expect((await verify(verifying, Buffer.concat(both), [key])).fingerprint).toBe(key.fingerprint)
})

test('A signature by a signing subkey of a pinned key is good, and named by the pinned key', async () => {
  const key = await makeKey({ subkeys: [{}] })
  await using verifying = await startVerifying(key)
  const signature = await signDetached(sums, key)
  expect(Buffer.from(await toBinary(signature)).includes(Buffer.from(key.fingerprint, 'hex'))).toBe(false)
  expect((await verify(verifying, signature, [key])).fingerprint).toBe(key.fingerprint)
})

test('A pinned key under which somebody hung the subkey of another has no say through it', async () => {
  const [key, stranger] = [
    await makeKey({ subkeys: [{}] }),
    await makeKey({ name: 'mallory', subkeys: [{}] }),
  ]
  const foreignSubkey = stranger.secret.toPublic().toPacketList().slice(3)
  const packets = new openpgp.PacketList<openpgp.AnyPacket>()
  packets.push(...key.secret.toPublic().toPacketList(), ...foreignSubkey)
  await using verifying = await startVerifying(Buffer.from(packets.write()))
  const error = await errorOf(verify(verifying, await signDetached(sums, stranger), [key]))
  expect(error.code).toBe('SIGNATURE_UNKNOWN')
  expect(error.message).toContain('which may not sign')
})

test('A signature from before its key expired is good for ever', async () => {
  const key = await makeKey({ expires: day('2024-09-01') })
  await using verifying = await startVerifying(key)
  expect((await verify(verifying, await signDetached(sums, key), [key])).signedAt).toEqual(day('2024-06-01'))
})

test('A signature from after its key expired is refused, with both days', async () => {
  const key = await makeKey({ expires: day('2024-03-01') })
  const extended = await renewKey(key, day('2024-02-01'))
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, await signDetached(sums, extended), [key]))
  expect(error.code).toBe('SIGNATURE_EXPIRED')
  expect(error.message).toContain('was made on 2024-06-01')
  expect(error.message).toContain('had expired (2024-03-01)')
})

test('A signature by a subkey that had expired is refused, and one from before is good', async () => {
  const key = await makeKey({ subkeys: [{ expires: day('2024-03-01') }] })
  const secret = await openpgp.readPrivateKey({ binaryKey: key.secret.write() })
  secret.subkeys = (await renewKey(key, day('2024-02-01'))).secret.subkeys
  await using verifying = await startVerifying(key)
  const early = await signDetached(sums, key, { date: day('2024-02-01') })
  expect((await verify(verifying, early, [key])).fingerprint).toBe(key.fingerprint)
  const late = await signDetached(sums, testKey(secret))
  expect((await errorOf(verify(verifying, late, [key]))).code).toBe('SIGNATURE_EXPIRED')
})

test('A signature by a subkey is refused when the primary key had expired', async () => {
  const key = await makeKey({ expires: day('2024-03-01'), subkeys: [{}] })
  const extended = await renewKey(key, day('2024-02-01'))
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, await signDetached(sums, extended), [key]))
  expect(error.code).toBe('SIGNATURE_EXPIRED')
})

test('A signature that has expired itself is refused', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const signature = await signOddly(sums, key, { expiresAfterSeconds: 3600 })
  const error = await errorOf(verify(verifying, signature, [key]))
  expect(error.code).toBe('SIGNATURE_EXPIRED')
  expect(error.message).toContain('was good until 2024-06-01T01:00:00.000Z')
})

test('Of several signatures that do not count, the error is about the one that says most', async () => {
  const [key, stranger] = [await makeKey(), await makeKey({ name: 'mallory' })]
  await using verifying = await startVerifying(key)
  const both = [await signDetached(sums, stranger), await signDetached('other', key)]
  for (const signatures of [both, both.toReversed()]) {
    const error = await errorOf(verify(verifying, signatures.join(''), [key]))
    expect(error.code).toBe('SIGNATURE_INVALID')
  }
})

test.each([
  ['that has not expired', undefined],
  ['that has expired since', day('2025-06-01')],
])('A signature that is older than all self-signatures of its key %s is good', async (_, expires) => {
  const key = await makeKey()
  const renewed = await renewKey(key, day('2025-01-01'), expires)
  await using verifying = await startVerifying(renewed)
  expect((await verify(verifying, await signDetached(sums, key), [key])).fingerprint).toBe(key.fingerprint)
})

test('A key that was extended after it had expired is good for what was signed between', async () => {
  const key = await makeKey({ expires: day('2024-03-01') })
  const renewed = await renewKey(key, day('2025-01-01'), day('2026-01-01'))
  const merged = await key.secret.toPublic().update(renewed.secret.toPublic())
  const between = await renewKey(key, day('2024-02-01'))
  await using verifying = await startVerifying(Buffer.from(merged.write()))
  expect((await verify(verifying, await signDetached(sums, between), [key])).fingerprint).toBe(
    key.fingerprint,
  )
})

test('A signature by a key that was compromised is refused, also from before', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(await revokeKey(key, day('2025-01-01'), 'keyCompromised'))
  const error = await errorOf(verify(verifying, await signDetached(sums, key), [key]))
  expect(error.code).toBe('SIGNATURE_EXPIRED')
  expect(error.message).toContain('was revoked')
})

test('A signature by a key that was retired is good from before, and refused from after', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(await revokeKey(key, day('2025-01-01'), 'keyRetired'))
  expect((await verify(verifying, await signDetached(sums, key), [key])).fingerprint).toBe(key.fingerprint)
  const late = await signDetached(sums, key, { date: day('2025-02-01') })
  expect((await errorOf(verify(verifying, late, [key]))).code).toBe('SIGNATURE_EXPIRED')
})

test('A signature may be some hours ahead of our clock, and no more', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const ahead = (hours: number) => signDetached(sums, key, { date: new Date(Date.now() + hours * 3_600_000) })
  expect((await verify(verifying, await ahead(20), [key])).fingerprint).toBe(key.fingerprint)
  const error = await errorOf(verify(verifying, await ahead(48), [key]))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('dated in the future')
})

test('A signature by a weak hash is refused', async () => {
  const key = await makeKey({ type: 'rsa' })
  await using verifying = await startVerifying(key)
  expect((await verify(verifying, await signOddly(sums, key, {}), [key])).fingerprint).toBe(key.fingerprint)
  const error = await errorOf(verify(verifying, await signOddly(sums, key, { hash: 'sha1' }), [key]))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('SHA1')
})

test('verifyClearSigned() hands out what was signed', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const text = `# comment \n- a dash\n${sums}-----BEGIN PGP SIGNED MESSAGE-----`
  const page = await clearSign(text, key)
  const verified = await verifyClearSigned({ body: page, url }, verifying.pin(key), verifying.evidence)
  expect(verified.fingerprint).toBe(key.fingerprint)
  expect(verified.payload).toBe(`# comment\n- a dash\n${sums}-----BEGIN PGP SIGNED MESSAGE-----`)
})

test('verifyClearSigned() reads pages with CRLF', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const body = (await clearSign(sums, key)).replaceAll(/\r?\n/g, '\r\n')
  const { payload } = await verifyClearSigned({ body, url }, verifying.pin(key), verifying.evidence)
  expect(payload).toBe(sums)
})

test('verifyClearSigned() leaves out what stands around the signed text', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const body = `evil before\n\n${await clearSign(sums, key)}\nevil after\n`
  const { payload } = await verifyClearSigned({ body, url }, verifying.pin(key), verifying.evidence)
  expect(payload).toBe(sums)
})

test('verifyClearSigned() refuses a text that was changed', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const body = (await clearSign(sums, key)).replace('acme-13', 'acme-31')
  const error = await errorOf(verifyClearSigned({ body, url }, verifying.pin(key), verifying.evidence))
  expect(error.code).toBe('SIGNATURE_INVALID')
})

test('verifyFile() verifies a file, and refuses another', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const image = Buffer.alloc(1_000_000, 'acme')
  const path = join(verifying.directory, 'image')
  await writeFile(path, image)
  const signature = { bytes: Buffer.from(await signDetached(image, key)), url }
  const run = () => verifyFile(path, 'acme.qcow2', signature, verifying.pin(key), verifying.evidence)
  expect((await run()).fingerprint).toBe(key.fingerprint)
  image.writeUInt8(0, 999_999)
  await writeFile(path, image)
  expect((await errorOf(run())).code).toBe('SIGNATURE_INVALID')
})

test('verifyFile() throws what reading the file throws', async () => {
  const key = await makeKey()
  await using verifying = await startVerifying(key)
  const signature = { bytes: Buffer.from(await signDetached(sums, key)), url }
  const gone = join(verifying.directory, 'gone')
  const running = verifyFile(gone, 'acme.qcow2', signature, verifying.pin(key), verifying.evidence)
  await expect(running).rejects.toMatchObject({ code: 'ENOENT' })
})

test('verifyFile() ends with the reason of an abort, also in a file without end', async () => {
  const key = await makeKey()
  const controller = new AbortController()
  await using verifying = await startVerifying(key, { signal: controller.signal })
  verifying.evidence.keyCache.keep(key.fingerprint, key.bytes)
  const signature = { bytes: Buffer.from(await signDetached(sums, key)), url }
  const reason = new Error('the user went home')
  const running = verifyFile('/dev/zero', 'acme.qcow2', signature, verifying.pin(key), verifying.evidence)
  controller.abort(reason)
  await expect(running).rejects.toBe(reason)
})
