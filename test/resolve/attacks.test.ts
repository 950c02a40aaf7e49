/**
 * What somebody between the publisher and the user can do to the proof of an image. Each is refused by its own code
 * before the first byte of the image is asked for.
 */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import type { Provider } from '../../src/providers/index.js'
import { ensureFrom, isImageAsked, warningsOf } from '../image/ensure-from.js'
import { errorOf } from '../support/error-of.js'
import { clearSign, makeKey, renewKey, revokeKey, signDetached, type TestKey } from '../support/keys.js'
import type { MirrorFile } from '../support/mirror-tree.js'
import { startPublisher } from '../support/publisher.js'
import { acmeSigning, keyPath, serve } from '../support/signed.js'

const image = smallQcow2('acme 1')
const hex = createHash('sha256').update(image).digest('hex')
const sums = `${hex}  acme-1.x86_64.qcow2\n`
const otherSums = `${hex}  acme-2.x86_64.qcow2\n`
const day = (text: string) => new Date(`${text}T00:00:00Z`)

let key: TestKey
let stranger: TestKey
beforeAll(async () => {
  key = await makeKey()
  stranger = await makeKey({ name: 'mallory' })
})

/** Asks a publisher that signs, when these files are on its servers. */
async function ensureWith(provider: Provider, files: Readonly<Record<string, MirrorFile>>) {
  const publisher = await startPublisher({ '1': image })
  serve(publisher, { [keyPath]: key.armored, ...files })
  const ensuring = ensureFrom(publisher, { provider })
  return { publisher, ensuring, [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose]() }
}

/** The code of the refusal, once it is certain that nobody asked for the image. */
async function refusalOf(provider: Provider, files: Readonly<Record<string, MirrorFile>>): Promise<string> {
  await using attacked = await ensureWith(provider, files)
  const { code } = await errorOf(attacked.ensuring)
  expect(isImageAsked(attacked.publisher)).toBe(false)
  return code
}

async function trustOf(provider: Provider, files: Readonly<Record<string, MirrorFile>>) {
  await using served = await ensureWith(provider, files)
  const { trust, signedBy } = await served.ensuring
  expect(warningsOf(served.publisher)).toEqual([])
  return { trust, signedBy }
}

/** The refusal of a clear-signed checksum file. */
const refusal = (file: string, pinned = key) =>
  refusalOf(acmeSigning('clear-signed', pinned), { SHA256SUMS: file })

const detached = (signature: MirrorFile) => ({ 'SHA256SUMS.asc': signature })

/** What a publisher with detached signatures has, when its key page shows something else. */
const signedFiles = async (
  signer: TestKey,
  served: MirrorFile = signer.armored,
  date = day('2024-06-01'),
) => ({
  [keyPath]: served,
  'SHA256SUMS.asc': await signDetached(sums, signer, { date, config: {} }),
})

describe('a clear-signed checksum file', () => {
  test('is believed when a pinned key signed it', async () => {
    const files = { SHA256SUMS: await clearSign(sums, key) }
    const signed = { trust: 'signed', signedBy: key.fingerprint }
    expect(await trustOf(acmeSigning('clear-signed', key), files)).toEqual(signed)
  })

  test('by another key is refused', async () => {
    expect(await refusal(await clearSign(sums, stranger))).toBe('SIGNATURE_UNKNOWN')
  })

  test('that was changed is refused', async () => {
    const signed = await clearSign(sums, key)
    const forged = signed.replace(hex, createHash('sha256').update('forged').digest('hex'))
    expect(await refusal(forged)).toBe('SIGNATURE_INVALID')
  })

  test.each([
    ['before', (signed: string) => sums + signed],
    ['after', (signed: string) => signed + sums],
  ])('does not name what stands %s the signed part', async (_, forge) => {
    expect(await refusal(forge(await clearSign(otherSums, key)))).toBe('CHECKSUM_MISSING')
  })

  test('with a line put into its head is refused', async () => {
    const signed = await clearSign(otherSums, key)
    expect(await refusal(signed.replace('\n\n', `\n${sums}\n`))).toBe('SIGNATURE_INVALID')
  })

  test('does not name what stands in the armour of its signature', async () => {
    const signed = await clearSign(otherSums, key)
    const forged = signed.replace('-----BEGIN PGP SIGNATURE-----\n', `$&${sums}`)
    expect(await refusal(forged)).toBe('CHECKSUM_MISSING')
  })

  test('twice in one page is refused: nobody can tell which counts', async () => {
    const both = (await clearSign(otherSums, key)) + (await clearSign(sums, stranger))
    expect(await refusal(both)).toBe('SIGNATURE_INVALID')
  })

  test.each([
    ['the markers', (signed: string) => signed.replaceAll(/^-----.*\n/gm, '')],
    ['all but the text', () => sums],
    ['the signature', (signed: string) => signed.slice(0, signed.indexOf('-----BEGIN PGP SIGNATURE-----'))],
    [
      'what the signature holds',
      (signed: string) => signed.replace(/(SIGNATURE-----\n)[^]*(-----END)/, '$1\n$2'),
    ],
  ])('that has lost %s is refused', async (_, strip) => {
    expect(await refusal(strip(await clearSign(sums, key)))).toBe('SIGNATURE_MISSING')
  })

  test.each([
    ['a name that ends alike', 'other-acme-1.x86_64.qcow2'],
    ['a name that goes on', 'acme-1.x86_64.qcow2.xz'],
    ['another directory', 'old/acme-1.x86_64.qcow2'],
    ['another build', 'acme-2.x86_64.qcow2'],
  ])('that is rightly signed does not vouch by a line for %s', async (_, name) => {
    expect(await refusal(await clearSign(`${hex}  ${name}\n`, key))).toBe('CHECKSUM_MISSING')
  })

  test('that names two digests of the image is refused', async () => {
    const both = sums + sums.replace(hex, createHash('sha256').update('other').digest('hex'))
    expect(await refusal(await clearSign(both, key))).toBe('CHECKSUM_CONFLICT')
  })
})

describe('a detached signature of the checksum file', () => {
  test('makes the image signed', async () => {
    const files = detached(await signDetached(sums, key))
    const signed = { trust: 'signed', signedBy: key.fingerprint }
    expect(await trustOf(acmeSigning('checksums', key), files)).toEqual(signed)
  })

  test.each<[string, string, () => Promise<MirrorFile>]>([
    ['by another key', 'SIGNATURE_UNKNOWN', () => signDetached(sums, stranger)],
    ['of another file', 'SIGNATURE_INVALID', () => signDetached(otherSums, key)],
    ['with nothing in it', 'SIGNATURE_MISSING', async () => ''],
    ['that is a web page', 'SIGNATURE_MISSING', async () => '<html>Please log in</html>'],
    ['that is the key', 'SIGNATURE_MISSING', async () => key.armored],
    ['without an end', 'ANSWER_TOO_LARGE', async () => Buffer.alloc(2 * 2 ** 20)],
  ])('%s is refused: %s', async (_, code, signature) => {
    expect(await refusalOf(acmeSigning('checksums', key), detached(await signature()))).toBe(code)
  })

  test('that is gone is refused', async () => {
    expect(await refusalOf(acmeSigning('checksums', key), {})).toBe('SIGNATURE_MISSING')
  })

  test('of a checksum file of another build does not make it name this one', async () => {
    const files = { SHA256SUMS: otherSums, ...detached(await signDetached(otherSums, key)) }
    expect(await refusalOf(acmeSigning('checksums', key), files)).toBe('CHECKSUM_MISSING')
  })
})

describe('the key of a publisher', () => {
  test('that had expired when it signed is refused', async () => {
    const young = await makeKey({ expires: day('2024-05-01') })
    const extended = await renewKey(young, day('2024-01-02'))
    const signature = { 'SHA256SUMS.asc': await signDetached(sums, extended) }
    const provider = acmeSigning('checksums', young)
    expect(await refusalOf(provider, { ...signature, [keyPath]: young.armored })).toBe('SIGNATURE_EXPIRED')
  })

  test('that has expired since it signed is good', async () => {
    const expired = await makeKey({ expires: day('2024-07-01') })
    expect(await trustOf(acmeSigning('checksums', expired), await signedFiles(expired))).toMatchObject({
      trust: 'signed',
    })
  })

  test('that was taken by somebody and revoked is refused', async () => {
    const revoked = await revokeKey(key, day('2025-01-01'), 'keyCompromised')
    expect(await refusalOf(acmeSigning('checksums', key), await signedFiles(key, revoked.armored))).toBe(
      'SIGNATURE_EXPIRED',
    )
  })

  test.each<[string, () => MirrorFile]>([
    ['a web page', () => '<html><body>Please log in</body></html>'],
    ['the key of somebody else', () => stranger.armored],
    ['nothing', () => ''],
  ])('is missing where its page is %s', async (_, page) => {
    expect(await refusalOf(acmeSigning('checksums', key), await signedFiles(key, page()))).toBe('KEY_MISSING')
  })

  test('of somebody else on its page does not make what he signed good', async () => {
    const provider = acmeSigning('checksums', key)
    expect(await refusalOf(provider, await signedFiles(stranger, key.armored + stranger.armored))).toBe(
      'SIGNATURE_UNKNOWN',
    )
  })
})
