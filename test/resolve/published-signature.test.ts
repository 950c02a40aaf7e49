import { createCleartextMessage, createMessage, sign } from 'openpgp'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeTestKey, type TestKey } from '../../fixtures/signing.js'
import type { Signature } from '../../src/providers/definition.js'
import { startMirror } from '../support/mirror.js'
import { acmeWith, hex, listing, main, otherHex, site } from './acme-site.js'
import { resolveThrough } from './resolve-through.js'

const image = 'acme-10-1.x86_64.qcow2'
const sums = `${main}10/SHA256SUMS`
const text = `${hex}  ${image}\n`
const keyUrl = 'keys.example.org/acme.asc'
const key = await makeTestKey()
const other = await makeTestKey()
const clearForm = { form: 'clear-signed', file: undefined } as const
const imageForm = { form: 'image', file: '{file}.sig' } as const
let files: Record<string, string> = {}

beforeAll(async () => {
  const armoured = key.privateKey.toPublic().armor()
  files = { ...site(main, ['10']), [keyUrl]: armoured, [`${sums}.asc`]: await signed(text, key) }
})

async function signed(bytes: string, { privateKey }: TestKey): Promise<string> {
  const message = await createMessage({ binary: Buffer.from(bytes) })
  return sign({ message, signingKeys: privateKey, detached: true, format: 'armored' })
}

async function clearSigned(payload: string): Promise<string> {
  const message = await createCleartextMessage({ text: payload })
  return sign({ message, signingKeys: key.privateKey, format: 'armored' })
}

function provider(change: Partial<Signature> = {}) {
  const signature: Signature = {
    form: 'checksums',
    file: '{checksums}.asc',
    fingerprints: [key.fingerprint],
    keyUrls: [`https://${keyUrl}`],
    ...change,
  }
  return acmeWith({ signatures: [signature] })
}

describe('a checksum file with a signature beside it', () => {
  test('makes the image signed, by the fingerprint that is pinned', async () => {
    await using mirror = await startMirror(files)
    await expect(resolveThrough(mirror, { provider: provider() })).resolves.toMatchObject({
      trust: 'signed',
      signedBy: key.fingerprint,
      digest: { hex },
      proof: undefined,
    })
  })

  test.each<[string, string, () => Promise<Record<string, string>>]>([
    ['another text', 'SIGNATURE_INVALID', async () => ({ [sums]: `${otherHex}  ${image}\n` })],
    ['another key', 'SIGNATURE_UNKNOWN', async () => ({ [`${sums}.asc`]: await signed(text, other) })],
    ['nothing', 'SIGNATURE_MISSING', async () => ({ [`${sums}.asc`]: '\n' })],
    [
      "another publisher's key at its address",
      'KEY_MISSING',
      async () => ({ [keyUrl]: other.privateKey.toPublic().armor() }),
    ],
  ])('is refused when the signature is of %s, with %s', async (_, code, change) => {
    await using mirror = await startMirror({ ...files, ...(await change()) })
    await expect(resolveThrough(mirror, { provider: provider() })).rejects.toMatchObject({ code })
  })

  test('is refused when its signature has been taken away', async () => {
    const { [`${sums}.asc`]: _, ...stripped } = files
    await using mirror = await startMirror(stripped)
    const resolving = resolveThrough(mirror, { provider: provider() })
    await expect(resolving).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' })
    await expect(resolving).rejects.toThrow('there is no "SHA256SUMS.asc", and this publisher signs.')
  })

  test('is not taken for unsigned when the server does not say whether it is', async () => {
    await using mirror = await startMirror(files)
    mirror.fail(`/${sums}.asc`, { status: 503 }, Number.POSITIVE_INFINITY)
    const resolving = resolveThrough(mirror, { provider: provider({ mayLack: 'signature' }) })
    await expect(resolving).rejects.toMatchObject({ code: 'NETWORK' })
  })

  test.each([`${sums}.asc`, keyUrl])(
    'counts as unsigned, with a warning, where %s may be missing',
    async (path) => {
      const { [path]: _, ...rest } = files
      await using mirror = await startMirror(rest)
      const warnings: string[] = []
      const optional = provider({ mayLack: 'signature' })
      await expect(resolveThrough(mirror, { provider: optional }, warnings)).resolves.toMatchObject({
        trust: 'checksum',
        signedBy: undefined,
      })
      expect(warnings).toEqual([expect.stringMatching(/^acme-10-1.*(?:is not signed|was not checked)/)])
    },
  )

  test('is never excused for a signature that is wrong', async () => {
    await using mirror = await startMirror({ ...files, [sums]: `${otherHex}  ${image}\n` })
    const resolving = resolveThrough(mirror, { provider: provider({ mayLack: 'signature' }) })
    await expect(resolving).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  })

  test.each([
    ['>=10', 'signed'],
    ['<10', 'checksum'],
  ])('is signed only in the versions %s: %s', async (versions, trust) => {
    await using mirror = await startMirror(files)
    await expect(resolveThrough(mirror, { provider: provider({ versions }) })).resolves.toMatchObject({
      trust,
    })
  })

  test('needs no signature for who says what the image is', async () => {
    const { [keyUrl]: _, ...rest } = files
    await using mirror = await startMirror(rest)
    const request = { provider: provider(), checksum: `sha256:${hex}` }
    await expect(resolveThrough(mirror, request)).resolves.toMatchObject({
      trust: 'pinned',
      signedBy: undefined,
    })
  })
})

describe('a clear-signed checksum file', () => {
  test('makes the image signed', async () => {
    await using mirror = await startMirror({ ...files, [sums]: await clearSigned(text) })
    await expect(resolveThrough(mirror, { provider: provider(clearForm) })).resolves.toMatchObject({
      trust: 'signed',
    })
  })

  test('says nothing outside of the signed part', async () => {
    const around = `${text}${await clearSigned(`${hex}  other.qcow2\n`)}${text}`
    await using mirror = await startMirror({ ...files, [sums]: around })
    await expect(resolveThrough(mirror, { provider: provider(clearForm) })).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:CHECKSUM_MISSING|SIGNATURE_INVALID)$/),
    })
  })

  test('is refused without its signature', async () => {
    await using mirror = await startMirror(files)
    await expect(resolveThrough(mirror, { provider: provider(clearForm) })).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
    })
  })
})

describe('a signature of the image itself', () => {
  test('is here before the image is asked for, and goes with it', async () => {
    await using mirror = await startMirror({ ...files, [`${main}10/${image}.sig`]: 'signature' })
    const resolved = await resolveThrough(mirror, { provider: provider(imageForm) })
    expect(resolved).toMatchObject({
      trust: 'checksum',
      proof: { url: `https://${main}10/${image}.sig`, signer: { fingerprints: [key.fingerprint] } },
    })
    expect(String(resolved.proof?.bytes)).toBe('signature')
  })

  test('is an error when it is not there, before the image is asked for', async () => {
    await using mirror = await startMirror({
      ...files,
      [`${main}10/index.html`]: listing(image, 'SHA256SUMS'),
    })
    await expect(resolveThrough(mirror, { provider: provider(imageForm) })).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
    })
  })

  test('may be missing where its publisher leaves it out at times, and a warning tells', async () => {
    await using mirror = await startMirror(files)
    const warnings: string[] = []
    const request = { provider: provider({ ...imageForm, mayLack: 'signature' }) }
    await expect(resolveThrough(mirror, request, warnings)).resolves.toMatchObject({
      trust: 'checksum',
      proof: undefined,
    })
    expect(warnings).toEqual([`${image} is not signed.`])
  })

  test('is not asked for when the caller says what the image is', async () => {
    await using mirror = await startMirror(files)
    const request = { provider: provider(imageForm), checksum: `sha256:${hex}` }
    await expect(resolveThrough(mirror, request)).resolves.toMatchObject({
      trust: 'pinned',
      proof: undefined,
    })
  })
})
