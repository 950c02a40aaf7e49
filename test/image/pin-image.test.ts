import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { defineProvider } from '../../src/providers/index.js'
import { errorOf } from '../support/error-of.js'
import { makeKey, signDetached } from '../support/keys.js'
import { acme as moving, bytesOf, digestOf, main, startMovingPublisher } from '../support/moving-publisher.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { acmeSigning, keyPath, serve } from '../support/signed.js'
import { isImageAsked, warningsOf } from './ensure-from.js'
import { ensure, pinTo } from './pinning.js'

const image = smallQcow2('to be pinned')
const file = 'acme-1.x86_64.qcow2'
const url = `https://acme.example.org/1/${file}`
const sha512 = (bytes: Buffer) => `sha512:${createHash('sha512').update(bytes).digest('hex')}`
const pinFileOf = ({ directory }: Pick<Publisher, 'directory'>) => join(directory, 'vmimage.lock.json')

describe('pinImage()', () => {
  test('takes the word of a checksum file, and downloads nothing', async () => {
    await using publisher = await startPublisher({ '1': image })
    const pin = await pinTo(pinFileOf(publisher), { provider: acme }, publisher.context())
    expect(pin).toMatchObject({
      request: 'acme',
      version: '1',
      arch: 'x86_64',
      fileName: file,
      url,
      digest: digestOf(image),
      format: 'qcow2',
      trust: 'checksum',
      resolvedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
    expect(isImageAsked(publisher)).toBe(false)
  })

  test('verifies a signature over the checksum file, and keeps whose it was', async () => {
    const key = await makeKey()
    await using publisher = await startPublisher({ '1': image })
    const sums = `${createHash('sha256').update(image).digest('hex')}  ${file}\n`
    serve(publisher, { [keyPath]: key.armored, 'SHA256SUMS.asc': await signDetached(sums, key) })
    const input = { provider: acmeSigning('checksums', key) }
    const pinFile = pinFileOf(publisher)
    const signedBy = key.fingerprint
    expect(await pinTo(pinFile, input, publisher.context())).toMatchObject({ trust: 'signed', signedBy })
    expect(isImageAsked(publisher)).toBe(false)
    expect(await ensure(input, publisher.context({ pinFile }))).toMatchObject({ trust: 'pinned', signedBy })
  })

  test('writes nothing when that signature is wrong', async () => {
    const [key, other] = [await makeKey(), await makeKey()]
    await using publisher = await startPublisher({ '1': image })
    serve(publisher, { [keyPath]: key.armored, 'SHA256SUMS.asc': await signDetached('other', other) })
    const pinning = pinTo(
      pinFileOf(publisher),
      { provider: acmeSigning('checksums', key) },
      publisher.context(),
    )
    expect((await errorOf(pinning)).code).toMatch(/^SIGNATURE_/)
    await expect(
      ensure({ provider: acme }, publisher.context({ pinFile: pinFileOf(publisher) })),
    ).rejects.toThrow('does not exist')
  })

  test('downloads what is signed itself, and asks for no signature when it is pinned', async () => {
    const key = await makeKey()
    await using publisher = await startPublisher({ '1': image })
    serve(publisher, { [keyPath]: key.armored, [`${file}.asc`]: await signDetached(image, key) })
    const input = { provider: acmeSigning('image', key) }
    const pinFile = pinFileOf(publisher)
    const signedBy = key.fingerprint
    expect(await pinTo(pinFile, input, publisher.context())).toMatchObject({ trust: 'signed', signedBy })
    expect(isImageAsked(publisher)).toBe(true)
    const asked = publisher.mirror.requests.length
    const cacheDir = join(publisher.directory, 'another machine')
    expect(await ensure(input, publisher.context({ pinFile, cacheDir }))).toMatchObject({
      trust: 'pinned',
      signedBy,
    })
    expect(publisher.mirror.requests.slice(asked).map(({ path }) => path)).toEqual([publisher.path('1')])
  })

  test('finds a strong digest where the publisher has only one that can be forged', async () => {
    await using publisher = await startPublisher({ '1': image })
    const md5 = createHash('md5').update(image).digest('hex')
    const provider = defineProvider({ ...acme, checksumFiles: ['SHA256SUMS'], trust: 'unverified' })
    serve(publisher, { SHA256SUMS: `${md5}  ${file}\n` })
    const input = { provider, minimumTrust: 'unverified' } as const
    const pinFile = pinFileOf(publisher)
    expect(await pinTo(pinFile, input, publisher.context())).toMatchObject({
      digest: digestOf(image),
      trust: 'unverified',
    })
    // The commit vouches for it from now on.
    expect(await ensure({ provider }, publisher.context({ pinFile }))).toMatchObject({ trust: 'pinned' })
  })

  test('writes nothing for what is trusted less than is asked for', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context({ minimumTrust: 'signed' })
    const error = await errorOf(pinTo(pinFileOf(publisher), { provider: acme }, context))
    expect(error.code).toBe('UNTRUSTED')
    expect((await errorOf(pinTo(pinFileOf(publisher), url, publisher.context()))).code).toBe('UNTRUSTED')
    expect(isImageAsked(publisher)).toBe(false)
  })

  test('refuses what lies on this machine', async () => {
    await using publisher = await startPublisher({ '1': image })
    writeFileSync(join(publisher.directory, file), image)
    const local = defineProvider({
      name: 'local',
      imagesUrl: `file://${publisher.directory}/`,
      imagePattern: 'acme-{version}.{arch}.qcow2',
    })
    const error = await errorOf(pinTo(pinFileOf(publisher), { provider: local }, publisher.context()))
    expect(error).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('checksum') })
    // And in CI it is used without a pin, as a file is.
    await pinTo(pinFileOf(publisher), { provider: acme }, publisher.context())
    const frozen = publisher.context({ pinFile: pinFileOf(publisher), frozen: true })
    expect(await ensure({ provider: local }, frozen)).toMatchObject({ name: 'Local' })
  })
})

describe('a URL', () => {
  const wanted = { url, minimumTrust: 'unverified' } as const

  test('is pinned by the digest of what it gives, on every architecture', async () => {
    await using publisher = await startPublisher({ '1': image })
    const pinFile = pinFileOf(publisher)
    const pin = await pinTo(pinFile, wanted, publisher.context())
    expect(pin).toMatchObject({ request: wanted, digest: digestOf(image), sizeBytes: image.length })
    expect(pin.arch).toBeUndefined()
    const other = publisher.context({
      pinFile,
      frozen: true,
      arch: 'aarch64',
      cacheDir: join(publisher.directory, 'b'),
    })
    expect(await ensure(url, other)).toMatchObject({ trust: 'pinned', arch: 'aarch64' })
  })

  test('that gives something else since is refused, until the pin is moved', async () => {
    await using publisher = await startPublisher({ '1': image })
    const pinFile = pinFileOf(publisher)
    const known = await pinTo(pinFile, wanted, publisher.context())
    const changed = smallQcow2('changed under its address')
    publisher.mirror.fail(publisher.path('1'), { swap: changed })
    const another = publisher.context({ pinFile, cacheDir: join(publisher.directory, 'b') })
    expect((await errorOf(ensure(url, another))).code).toBe('DIGEST_MISMATCH')
    expect(await pinTo(pinFile, wanted, publisher.context(), known)).toMatchObject({
      digest: digestOf(changed),
    })
  })

  test('is not asked for again without the word that it was taken on', async () => {
    await using publisher = await startPublisher({ '1': image })
    const pinFile = pinFileOf(publisher)
    const known = await pinTo(pinFile, wanted, publisher.context())
    const asked = publisher.mirror.requests.length
    expect((await errorOf(pinTo(pinFile, url, publisher.context(), known))).code).toBe('UNTRUSTED')
    expect(publisher.mirror.requests).toHaveLength(asked)
  })

  test('of a packed image is unpacked by what the pin says', async () => {
    await using publisher = await startPublisher({ '1': image })
    const packed = { url: `${url}.gz`, minimumTrust: 'unverified' } as const
    const bytes = gzipSync(image)
    publisher.mirror.fail(`${publisher.path('1')}.gz`, { swap: bytes })
    const pinFile = pinFileOf(publisher)
    expect(await pinTo(pinFile, packed, publisher.context())).toMatchObject({
      compression: 'gz',
      fileName: file,
      digest: digestOf(bytes),
    })
    const other = publisher.context({ pinFile, cacheDir: join(publisher.directory, 'b') })
    expect(await ensure(packed.url, other)).toMatchObject({ format: 'qcow2', digest: digestOf(bytes) })
  })
})

test('a request whose own digest is by another algorithm is held against that', async () => {
  await using publisher = await startMovingPublisher()
  publisher.publish('1', '1')
  const pinFile = pinFileOf(publisher)
  await pinTo(pinFile, { provider: moving }, publisher.context('author'))
  const right = { provider: moving, checksum: sha512(bytesOf('1', '1')) }
  publisher.asked()
  expect(await ensure(right, publisher.context('a', { pinFile }))).toMatchObject({ digest: right.checksum })
  expect(publisher.asked()).toEqual([publisher.path('1', '1')])
  const wrong = { provider: moving, checksum: sha512(image) }
  expect((await errorOf(ensure(wrong, publisher.context('b', { pinFile })))).code).toBe('DIGEST_MISMATCH')
})

test('a file that has a lasting address is also looked for where it was listed', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { imagePattern } = acme
  const provider = defineProvider({
    name: 'acme',
    versionsUrl: 'https://acme.example.org/',
    imagesUrl: 'https://acme.example.org/{version}/',
    imageUrl: 'https://acme.example.org/all/{version}/{file}',
    imagePattern,
  })
  const pinFile = pinFileOf(publisher)
  const lasting = `https://acme.example.org/all/1/${file}`
  expect(await pinTo(pinFile, { provider }, publisher.context())).toMatchObject({
    url: lasting,
    otherUrls: [url],
  })
  const asked = publisher.mirror.requests.length
  expect(await ensure({ provider }, publisher.context({ pinFile }))).toMatchObject({ url: lasting })
  expect(publisher.mirror.requests.slice(asked).map(({ path }) => path)).toEqual([
    `/acme.example.org/all/1/${file}`,
    publisher.path('1'),
  ])
})

test('an image of another cache is used where it lies', async () => {
  await using publisher = await startMovingPublisher()
  publisher.publish('1', '1')
  const pinFile = pinFileOf(publisher)
  await pinTo(pinFile, { provider: moving }, publisher.context('author'))
  const layer = publisher.context('layer', { pinFile })
  const { path } = await ensure({ provider: moving }, layer)
  publisher.asked()
  const context = publisher.context('other', { pinFile, extraCacheDirs: [layer.cacheDir] })
  expect((await ensure({ provider: moving }, context)).path).toBe(path)
  expect(publisher.asked()).toEqual([])
})

test('a pin moves to an older build with a warning', async () => {
  await using publisher = await startMovingPublisher()
  publisher.publish('1', '1')
  publisher.publish('1', '2')
  const pinFile = pinFileOf(publisher)
  const known = await pinTo(pinFile, { provider: moving }, publisher.context('author'))
  publisher.withdraw('1', '2')
  expect(await pinTo(pinFile, { provider: moving }, publisher.context('author'), known)).toMatchObject({
    build: '1',
  })
  const warnings = publisher.events.flatMap((event) => (event.type === 'warning' ? event.message : []))
  expect(warnings).toEqual([
    expect.stringContaining(`https://${main}/1/acme-1-1.x86_64.qcow2 is older (1 build 1)`),
  ])
})

test('what was pinned moves nothing that the cache remembers of the name itself', async () => {
  await using publisher = await startPublisher({ '1': image, '2': smallQcow2('newer') })
  const pinFile = pinFileOf(publisher)
  await pinTo(pinFile, { provider: acme, version: '1' }, publisher.context())
  await ensure({ provider: acme }, publisher.context())
  await ensure({ provider: acme, version: '1' }, publisher.context({ pinFile }))
  expect(await ensure({ provider: acme }, publisher.context())).toMatchObject({
    version: '2',
    trust: 'checksum',
  })
  expect(warningsOf(publisher)).toEqual([])
})
