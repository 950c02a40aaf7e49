/** Signatures over the image itself: verified when its bytes are here, and before they are unpacked. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import { defineProvider, type Provider } from '../../src/providers/index.js'
import { cacheLayout } from '../../src/store/layout.js'
import { listImages } from '../../src/store/store.js'
import { makeKey, signDetached, type TestKey, toBinary } from '../support/keys.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { acmeSigning, keyPath, serve } from '../support/signed.js'
import { ensureFrom, isImageAsked, nextWeekMs, warningsOf } from './ensure-from.js'

const file = 'acme-1.x86_64.qcow2'
const image = smallQcow2('acme 1')
const packed = execFileSync('xz', ['-c'], { input: image })
const packedSources = acme.sources.map((site) => ({
  ...site,
  imagePattern: 'acme-{version}.{arch}.qcow2.xz',
}))
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

let key: TestKey
let signing: Provider
beforeAll(async () => {
  key = await makeKey()
  signing = acmeSigning('image', key)
})

/** A publisher with a signature beside its image; undefined for none. */
async function startSigned(signature: string | Buffer | undefined, name = `${file}.asc`): Promise<Publisher> {
  const publisher = await startPublisher({ '1': image })
  serve(publisher, { [keyPath]: key.armored, ...(signature === undefined ? {} : { [name]: signature }) })
  return publisher
}

/** The same with an image that is packed. */
async function startPacked(signature: string): Promise<Publisher> {
  const publisher = await startSigned(signature, `${file}.xz.asc`)
  const links = [`${file}.xz`, 'SHA256SUMS'].map((name) => `<a href="${name}">${name}</a>`)
  serve(publisher, {
    '/acme.example.org/1/': `<title>Index of /1/</title>${links.join('\n')}`,
    SHA256SUMS: `${sha256(packed)}  ${file}.xz\n`,
    [`${file}.xz`]: packed,
  })
  return publisher
}

const layoutOf = ({ options }: Publisher) => cacheLayout(String(options.cacheDir))

/** That nothing is published, and nothing is left of the download. */
function expectNothing(publisher: Publisher): void {
  const { images, ingest } = layoutOf(publisher)
  expect(readdirSync(images)).toEqual([])
  expect(readdirSync(ingest, { recursive: true })).toHaveLength(1) // the directory that all downloads of it share
}

describe('an image with a signature over it', () => {
  test.each([
    ['armoured', `${file}.asc`, '{file}.asc'],
    ['binary', `${file}.sig`, '{file}.sig'],
  ])(
    'that is %s is signed: in the hands of the user, in the store and in the resolution',
    async (form, name, pattern) => {
      const armored = await signDetached(image, key)
      await using publisher = await startSigned(form === 'binary' ? await toBinary(armored) : armored, name)
      const provider = acmeSigning('image', key, { file: pattern })
      const signed = { trust: 'signed', signedBy: key.fingerprint }
      await using opened = await openVmImage({ provider }, publisher.options)
      expect(opened).toMatchObject(signed)
      expect(listImages(layoutOf(publisher)).map(({ meta }) => meta)).toMatchObject([signed])
      expect(await ensureFrom(publisher, { provider }, { offline: true })).toMatchObject(signed)
      expect(warningsOf(publisher)).toEqual([])
    },
  )

  test('that is packed is verified before it is unpacked', async () => {
    await using publisher = await startPacked(await signDetached(packed, key))
    const provider = acmeSigning('image', key, {}, { sources: packedSources })
    const base = await ensureFrom(publisher, { provider })
    expect(base).toMatchObject({ trust: 'signed', signedBy: key.fingerprint, fileName: file })
    expect(readFileSync(base.path).equals(image)).toBe(true)
  })

  test('that is packed and signed as it is unpacked is refused, and not unpacked', async () => {
    await using publisher = await startPacked(await signDetached(image, key))
    const provider = acmeSigning('image', key, {}, { sources: packedSources })
    await expect(ensureFrom(publisher, { provider })).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    expect(publisher.events.map(({ type }) => type)).not.toContain('unpacking')
    expectNothing(publisher)
  })

  test('of other bytes is refused, and nothing is left of it', async () => {
    await using publisher = await startSigned(await signDetached('other bytes', key))
    await expect(ensureFrom(publisher, { provider: signing })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    expectNothing(publisher)
  })

  test('by another key is refused, and nothing is left of it', async () => {
    const stranger = await makeKey({ name: 'mallory' })
    await using publisher = await startSigned(await signDetached(image, stranger))
    await expect(ensureFrom(publisher, { provider: signing })).rejects.toMatchObject({
      code: 'SIGNATURE_UNKNOWN',
    })
    expectNothing(publisher)
  })

  test('that is gone is refused before the download', async () => {
    await using publisher = await startSigned(undefined)
    await expect(ensureFrom(publisher, { provider: signing })).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
    })
    expect(isImageAsked(publisher)).toBe(false)
  })

  test('that is gone where that is known to happen counts as unsigned, and the user is told', async () => {
    await using publisher = await startSigned(undefined)
    const provider = acmeSigning('image', key, { mayLack: 'signature' })
    expect(await ensureFrom(publisher, { provider })).toMatchObject({
      trust: 'checksum',
      signedBy: undefined,
    })
    expect(warningsOf(publisher)).toEqual([`${file} is not signed.`])
    const refused = ensureFrom(publisher, { provider, minimumTrust: 'signed' })
    await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
  })

  test('needs no checksum file', async () => {
    await using publisher = await startSigned(await signDetached(image, key))
    serve(publisher, { '/acme.example.org/1/': `<title>Index of /1/</title><a href="${file}">${file}</a>` })
    const provider = acmeSigning('image', key, {}, { trust: 'unverified' })
    for (const laterMs of [0, nextWeekMs]) {
      expect(await ensureFrom(publisher, { provider }, { laterMs })).toMatchObject({ trust: 'signed' })
    }
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
  })

  test('passes a bar of signed, and is not downloaded for one of pinned', async () => {
    await using publisher = await startSigned(await signDetached(image, key))
    const refused = ensureFrom(publisher, { provider: signing, minimumTrust: 'pinned' })
    await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
    expect(isImageAsked(publisher)).toBe(false)
    const base = await ensureFrom(publisher, { provider: signing, minimumTrust: 'signed' })
    expect(base.trust).toBe('signed')
  })

  test('is signed for all who ask at the same time, and for those who come after', async () => {
    await using publisher = await startSigned(await signDetached(image, key))
    const signed = { trust: 'signed', signedBy: key.fingerprint }
    const asking = Array.from({ length: 4 }, () => ensureFrom(publisher, { provider: signing }))
    expect(await Promise.all(asking)).toMatchObject([signed, signed, signed, signed])
    rmSync(layoutOf(publisher).resolved, { recursive: true })
    expect(await ensureFrom(publisher, { provider: signing })).toMatchObject(signed)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
  })

  test.each([
    ['a checksum alone', { provider: acme }],
    ['the digest of its user', { provider: acme, checksum: `sha256:${sha256(image)}` }],
  ])('is verified also when it came into the cache by %s', async (_, request) => {
    await using publisher = await startSigned(await signDetached(image, key))
    await ensureFrom(publisher, request)
    expect(await ensureFrom(publisher, { provider: signing })).toMatchObject({ trust: 'signed' })
  })

  test('that is wrong is refused also when the image is in the cache by a checksum alone', async () => {
    await using publisher = await startSigned(await signDetached('other bytes', key))
    await ensureFrom(publisher, { provider: acme })
    await expect(ensureFrom(publisher, { provider: signing })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  test('takes nothing away from who has it already: the cached image stays when there is no other', async () => {
    await using publisher = await startSigned(await signDetached('other bytes', key))
    const pinned = { provider: acme, checksum: `sha256:${sha256(image)}` }
    await ensureFrom(publisher, pinned)
    await expect(ensureFrom(publisher, { provider: signing })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    await expect(ensureFrom(publisher, pinned, { offline: true })).resolves.toMatchObject({ trust: 'pinned' })
  })

  test('makes the cached image signed without a download where it lies there as it was served', async () => {
    await using publisher = await startSigned(await signDetached(image, key))
    await ensureFrom(publisher, { provider: acme })
    const served = publisher.mirror.bytesServed(publisher.path('1'))
    expect(await ensureFrom(publisher, { provider: signing })).toMatchObject({ trust: 'signed' })
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(served)
    expect(listImages(layoutOf(publisher)).map(({ meta }) => meta.signedBy)).toEqual([key.fingerprint])
  })

  test('makes a cached packed image signed by one more download', async () => {
    await using publisher = await startPacked(await signDetached(packed, key))
    const { sources } = { sources: packedSources }
    await ensureFrom(publisher, { provider: defineProvider({ ...acme, sources }) })
    const provider = acmeSigning('image', key, {}, { sources })
    expect(await ensureFrom(publisher, { provider })).toMatchObject({ trust: 'signed' })
    expect(listImages(layoutOf(publisher)).map(({ meta }) => meta.trust)).toEqual(['signed'])
  })

  test('that is there by now is asked for when more trust is, however fresh the unsigned one is', async () => {
    const provider = acmeSigning('image', key, { mayLack: 'signature' })
    await using publisher = await startSigned(undefined)
    expect(await ensureFrom(publisher, { provider })).toMatchObject({ trust: 'checksum' })
    serve(publisher, { [`${file}.asc`]: await signDetached(image, key) })
    const wanted = { provider, minimumTrust: 'signed' } as const
    expect(await ensureFrom(publisher, wanted)).toMatchObject({ trust: 'signed' })
  })

  test('by a key that another provider pinned is verified again', async () => {
    await using publisher = await startSigned(await signDetached(image, key))
    await ensureFrom(publisher, { provider: signing })
    const provider = acmeSigning('image', await makeKey())
    await expect(ensureFrom(publisher, { provider })).rejects.toMatchObject({ code: 'KEY_MISSING' })
  })
})
