import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { parseVersion3, proveByGpgv } from '../../src/signature/gpgv.js'
import { verifyClearSigned, verifyDetached } from '../../src/signature/verify.js'
import { errorOf } from '../support/error-of.js'
import {
  makeKey,
  renewKey,
  revokeKey,
  signDetached,
  signVersion3,
  type TestKey,
  toBinary,
} from '../support/keys.js'
import { startVerifying, type Verifying } from './verifying.js'

const sums = 'ab  acme.qcow2\n'
const url = 'https://acme.example.org/SHA256SUMS.asc'
const day = (text: string) => new Date(`${text}T00:00:00Z`)
const key = await makeKey({ type: 'rsa', expires: day('2024-09-01') })

function verify(verifying: Verifying, signature: Buffer, pinned: TestKey = key, data: string = sums) {
  const signed = { name: 'SHA256SUMS', bytes: Buffer.from(data) }
  return verifyDetached(
    signed,
    { bytes: signature, url },
    { ...verifying.pin(pinned), isVersion3: true },
    verifying.evidence,
  )
}

test('A signature of version 3 is good, also when its key has expired since', async () => {
  await using verifying = await startVerifying(key)
  const verified = await verify(verifying, signVersion3(sums, key))
  expect(verified).toEqual({ fingerprint: key.fingerprint, signedAt: day('2024-06-01') })
})

test('A signature of version 3 of a text is good for its text', async () => {
  await using verifying = await startVerifying(key)
  const signature = signVersion3(sums.replaceAll('\n', '\r\n'), key, { kind: 'text' })
  expect((await verify(verifying, signature)).fingerprint).toBe(key.fingerprint)
})

test('A clear-signed text with a signature of version 3 is good', async () => {
  await using verifying = await startVerifying(key)
  const armour = signVersion3('one\r\ntwo', key, { kind: 'text' })
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')
  const body =
    '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\none\ntwo\n' +
    `-----BEGIN PGP SIGNATURE-----\n\n${armour}\n-----END PGP SIGNATURE-----\n`
  const verified = await verifyClearSigned(
    { body, url },
    { ...verifying.pin(key), isVersion3: true },
    verifying.evidence,
  )
  expect(verified.payload).toBe('one\ntwo')
})

test('A signature of version 3 of other bytes is refused', async () => {
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, signVersion3('other', key)))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('BADSIG')
})

test('A signature of version 3 by a key that is not pinned is refused', async () => {
  const pinned = await makeKey()
  await using verifying = await startVerifying(pinned)
  const error = await errorOf(verify(verifying, signVersion3(sums, key), pinned))
  expect(error.code).toBe('SIGNATURE_UNKNOWN')
})

test('A signature of version 3 is refused where nobody said that the publisher makes such, with gpgv and without', async () => {
  await using verifying = await startVerifying(key)
  const signed = { name: 'SHA256SUMS', bytes: Buffer.from(sums) }
  const signature = { bytes: signVersion3(sums, key), url }
  const { PATH } = process.env
  try {
    for (const path of [PATH, '/nonexistent']) {
      process.env['PATH'] = path
      const error = await errorOf(verifyDetached(signed, signature, verifying.pin(key), verifying.evidence))
      expect(error.code).toBe('SIGNATURE_INVALID')
    }
  } finally {
    process.env['PATH'] = PATH
  }
})

test('A signature of version 3 by a weak hash is refused', async () => {
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, signVersion3(sums, key, { hash: 'sha1' })))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('Insecure message hash algorithm')
})

test('A signature of version 3 of a kind that covers no data is refused', async () => {
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, signVersion3('', key, { kind: 'standalone' })))
  expect(error.code).toBe('SIGNATURE_INVALID')
})

test('A signature of version 3 from after its key expired is refused', async () => {
  await using verifying = await startVerifying(key)
  const late = signVersion3(sums, key, { date: day('2024-10-01') })
  expect((await errorOf(verify(verifying, late))).code).toBe('SIGNATURE_EXPIRED')
})

test('A signature of version 3 from the future is refused', async () => {
  await using verifying = await startVerifying(await renewKey(key, day('2024-02-01')))
  const ahead = signVersion3(sums, key, { date: new Date(Date.now() + 3 * 86_400_000) })
  expect((await errorOf(verify(verifying, ahead))).code).toBe('SIGNATURE_INVALID')
})

test('A signature of version 3 that is older than its key is refused', async () => {
  await using verifying = await startVerifying(key)
  const error = await errorOf(verify(verifying, signVersion3(sums, key, { date: day('2023-06-01') })))
  expect(error.code).toBe('SIGNATURE_INVALID')
  expect(error.message).toContain('is older than its key')
})

test('proveByGpgv() proves it for one key, and for no other of the same file', async () => {
  const proof = { signature: signVersion3(sums, key), key: key.bytes }
  async function* data() {
    yield Buffer.from(sums)
  }
  const { signal } = new AbortController()
  expect(await proveByGpgv({ ...proof, fingerprint: key.fingerprint }, data(), signal)).toBeUndefined()
  expect(await proveByGpgv({ ...proof, fingerprint: 'F'.repeat(40) }, data(), signal)).toContain('VALIDSIG')
})

test('A signature of version 3 by a key that was compromised is refused', async () => {
  await using verifying = await startVerifying(await revokeKey(key, day('2024-08-01'), 'keyCompromised'))
  expect((await errorOf(verify(verifying, signVersion3(sums, key)))).code).toBe('SIGNATURE_EXPIRED')
})

test('Nothing is left behind in the temporary directory', async () => {
  await using verifying = await startVerifying(key)
  const temporary = join(verifying.directory, 'tmp')
  await mkdir(temporary)
  vi.stubEnv('TMPDIR', temporary)
  expect(tmpdir()).toBe(temporary)
  await verify(verifying, signVersion3(sums, key)).finally(() => vi.unstubAllEnvs())
  expect(await readdir(temporary)).toEqual([])
})

test('Without gpgv the error says how to install it', async () => {
  await using verifying = await startVerifying(key)
  vi.stubEnv('PATH', verifying.directory)
  const error = await errorOf(verify(verifying, signVersion3(sums, key))).finally(() => vi.unstubAllEnvs())
  expect(error.code).toBe('TOOL_MISSING')
  expect(error.message).toContain('apt install gpgv')
})

test('Without gpgv a signature of another version beside it is enough, in either order', async () => {
  await using verifying = await startVerifying(key)
  const both = [signVersion3(sums, key), await toBinary(await signDetached(sums, key))]
  vi.stubEnv('PATH', verifying.directory)
  try {
    for (const signatures of [both, both.toReversed()]) {
      expect((await verify(verifying, Buffer.concat(signatures))).fingerprint).toBe(key.fingerprint)
    }
  } finally {
    vi.unstubAllEnvs()
  }
})

test('Without gpgv signatures that do not count beside it do not hide that it is missing', async () => {
  await using verifying = await startVerifying(key)
  const wrong = await toBinary(await signDetached('other', [key, await makeKey({ name: 'mallory' })]))
  vi.stubEnv('PATH', verifying.directory)
  try {
    for (const signatures of [
      [signVersion3(sums, key), wrong],
      [wrong, signVersion3(sums, key)],
    ]) {
      expect((await errorOf(verify(verifying, Buffer.concat(signatures)))).code).toBe('TOOL_MISSING')
    }
  } finally {
    vi.unstubAllEnvs()
  }
})

test.each([
  ['of version 4', [4, 0, 1, 8]],
  ['too short', [3, 5, 0, 0, 0, 0, 0]],
  ['with another length of what is hashed', [3, 6, ...Array.from({ length: 30 }, () => 0)]],
])('parseVersion3() leaves a packet %s alone', (_, bytes) => {
  expect(parseVersion3(Buffer.from(bytes))).toBeUndefined()
})
