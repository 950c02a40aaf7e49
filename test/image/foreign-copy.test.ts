/** Avocado's cache as an extra one: what it has downloaded is not downloaded again. */
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { copyForeign } from '../../src/image/foreign-copy.js'
import { urlSource } from '../../src/image/source.js'
import { defineProvider } from '../../src/providers/index.js'
import { parseRequest } from '../../src/request/request.js'
import { cacheLayout } from '../../src/store/layout.js'
import { makeKey, signDetached } from '../support/keys.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { acmeSigning, keyPath, serve } from '../support/signed.js'
import { ensureFrom, isImageAsked, warningsOf } from './ensure-from.js'

const image = smallQcow2('acme 1')
const file = 'acme-1.x86_64.qcow2'
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** Puts a file where Avocado keeps what it gets from a directory. */
function keep(publisher: Publisher, bytes: Buffer, directory = 'https://acme.example.org/1', name = file) {
  const avocado = join(publisher.directory, 'avocado')
  const path = join(avocado, 'by_location', createHash('sha1').update(directory).digest('hex'), name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  return { path, options: { extraCacheDirs: [avocado] } }
}

describe("Avocado's cache", () => {
  test('spares the download of an image that it has', async () => {
    await using publisher = await startPublisher({ '1': image })
    const { path, options } = keep(publisher, image)
    const base = await ensureFrom(publisher, { provider: acme }, options)
    expect(base).toMatchObject({ trust: 'checksum', version: '1', digest: `sha256:${sha256(image)}` })
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(isImageAsked(publisher)).toBe(false)
    expect(warningsOf(publisher)).toEqual([])
    const inode = statSync(path)
    expect(inode.ino).not.toBe(statSync(base.path).ino)
    expect(inode.nlink).toBe(1)
  })

  test('spares the download of what it has from another mirror', async () => {
    await using publisher = await startPublisher({ '1': image })
    const { options } = keep(publisher, image, 'http://mirror.example.org/acme/1')
    await ensureFrom(publisher, { provider: acme }, options)
    expect(isImageAsked(publisher)).toBe(false)
  })

  test.each([
    ['of the right size', smallQcow2('acme 2')],
    ['that was cut off', image.subarray(0, 1000)],
  ])('has wrong bytes %s passed over, and its user is told', async (_, bytes) => {
    await using publisher = await startPublisher({ '1': image })
    const { path, options } = keep(publisher, bytes)
    const base = await ensureFrom(publisher, { provider: acme }, options)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(warningsOf(publisher)).toEqual([`${path} is not used: it is not sha256:${sha256(image)}.`])
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
  })

  test('has the second of two files used when the first is wrong', async () => {
    await using publisher = await startPublisher({ '1': image })
    keep(publisher, smallQcow2('acme 2'))
    const { options } = keep(publisher, image, 'http://mirror.example.org/acme/1')
    await ensureFrom(publisher, { provider: acme }, options)
    expect(isImageAsked(publisher)).toBe(false)
    expect(warningsOf(publisher)).toHaveLength(1)
  })

  test('has a packed image unpacked here', async () => {
    await using publisher = await startPublisher({ '1': image })
    const packed = gzipSync(image)
    const links = [`${file}.gz`, 'SHA256SUMS'].map((name) => `<a href="${name}">${name}</a>`)
    serve(publisher, {
      '/acme.example.org/1/': `<title>Index of /1/</title>${links.join('\n')}`,
      SHA256SUMS: `${sha256(packed)}  ${file}.gz\n`,
    })
    const sources = acme.sources.map((site) => ({ ...site, imagePattern: 'acme-{version}.{arch}.qcow2.gz' }))
    const { options } = keep(publisher, packed, 'https://acme.example.org/1', `${file}.gz`)
    const base = await ensureFrom(publisher, { provider: defineProvider({ ...acme, sources }) }, options)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(publisher.mirror.requests.filter(({ path }) => path.endsWith('.gz'))).toEqual([])
  })

  test('proves nothing: the signature over the image is verified all the same', async () => {
    await using publisher = await startPublisher({ '1': image })
    const key = await makeKey()
    const { options } = keep(publisher, image)
    serve(publisher, { [keyPath]: key.armored, [`${file}.asc`]: await signDetached('other bytes', key) })
    const provider = acmeSigning('image', key)
    await expect(ensureFrom(publisher, { provider }, options)).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    serve(publisher, { [`${file}.asc`]: await signDetached(image, key) })
    expect(await ensureFrom(publisher, { provider }, options)).toMatchObject({ trust: 'signed' })
    expect(isImageAsked(publisher)).toBe(false)
  })

  test('has no part in an image that nobody gives a digest of', async () => {
    await using publisher = await startPublisher({ '1': image })
    const { options } = keep(publisher, smallQcow2('forged'))
    const request = { url: `https://acme.example.org/1/${file}`, minimumTrust: 'unverified' } as const
    const base = await ensureFrom(publisher, request, options)
    expect(readFileSync(base.path).equals(image)).toBe(true)
  })

  test('is refused when everybody can write it', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context(keep(publisher, image).options)
    const request = parseRequest({
      url: `https://acme.example.org/1/${file}`,
      checksum: `sha256:${sha256(image)}`,
    })
    if (request.kind !== 'url') throw new TypeError('an address is a URL request')
    const copy = () => copyForeign(publisher.directory, urlSource(request, context), context)
    expect(await copy()).toBe(join(publisher.directory, 'copy'))
    chmodSync(join(publisher.directory, 'avocado'), 0o777)
    await expect(copy()).rejects.toMatchObject({ code: 'CACHE_UNSAFE' })
  })

  test('leaves nothing beside the image in the own cache', async () => {
    await using publisher = await startPublisher({ '1': image })
    const { options } = keep(publisher, image)
    await ensureFrom(publisher, { provider: acme }, options)
    const { ingest } = cacheLayout(String(publisher.options.cacheDir))
    expect(readdirSync(ingest, { recursive: true })).toHaveLength(1)
  })
})
