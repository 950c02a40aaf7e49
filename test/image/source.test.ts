import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { defineProvider } from '../../src/providers/index.js'
import { cacheLayout } from '../../src/store/layout.js'
import { acme, startPublisher } from '../support/publisher.js'
import { ensureFrom, isImageAsked, nextWeekMs, warningsOf } from './ensure-from.js'

const image = smallQcow2('acme 1')
const checksum = `sha256:${createHash('sha256').update(image).digest('hex')}`
const url = 'https://acme.example.org/1/acme-1.x86_64.qcow2'
const asItIs = { minimumTrust: 'unverified' } as const

describe('a URL', () => {
  test('with a checksum is pinned', async () => {
    await using publisher = await startPublisher({ '1': image })
    const base = await ensureFrom(publisher, { url, checksum })
    expect(base).toMatchObject({ trust: 'pinned', name: 'acme-1.x86_64.qcow2', version: '', url })
  })

  test('without a checksum is refused before the download, with the words that let it pass', async () => {
    await using publisher = await startPublisher({ '1': image })
    const refused = ensureFrom(publisher, url)
    await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
    await expect(refused).rejects.toThrow(/checksum: 'sha256:<hex>'.*minimumTrust: 'unverified'/)
    expect(isImageAsked(publisher)).toBe(false)
  })

  test('without a checksum is downloaded once, when its user takes it as it is', async () => {
    await using publisher = await startPublisher({ '1': image })
    const request = { url, ...asItIs }
    const bases = await Promise.all([ensureFrom(publisher, request), ensureFrom(publisher, request)])
    expect(bases[0]).toMatchObject({ trust: 'unverified', digest: checksum })
    expect(bases[1]?.path).toBe(bases[0]?.path)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    await ensureFrom(publisher, request, { laterMs: nextWeekMs })
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    expect(warningsOf(publisher)).toEqual([])
  })

  test('with a checksum that can be forged is not trusted for it', async () => {
    await using publisher = await startPublisher({ '1': image })
    const md5 = `md5:${createHash('md5').update(image).digest('hex')}`
    await expect(ensureFrom(publisher, { url, checksum: md5 })).rejects.toMatchObject({ code: 'UNTRUSTED' })
    expect(await ensureFrom(publisher, { url, checksum: md5, ...asItIs })).toMatchObject({
      trust: 'unverified',
      digest: md5,
    })
  })

  test('without a checksum is not taken for a disk when it is a login page', async () => {
    const page = Buffer.from('<html>Please log in</html>'.padEnd(1024))
    await using publisher = await startPublisher({ '1': page })
    await expect(ensureFrom(publisher, url, asItIs)).rejects.toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringContaining("format: 'raw'"),
    })
    expect(readdirSync(cacheLayout(String(publisher.options.cacheDir)).images)).toEqual([])
    expect((await ensureFrom(publisher, { url, format: 'raw' }, asItIs)).format).toBe('raw')
  })

  test('may have a name that is no valid percent-encoding', async () => {
    await using publisher = await startPublisher({})
    const odd = 'https://acme.example.org/100%.qcow2'
    await expect(ensureFrom(publisher, odd, asItIs)).rejects.toMatchObject({ code: 'NETWORK' })
  })

  test('over plain http needs a checksum, or the word that takes it as it is', async () => {
    await using publisher = await startPublisher({ '1': image })
    const plain = `${publisher.mirror.url}${publisher.path('1')}`
    await expect(ensureFrom(publisher, plain)).rejects.toMatchObject({
      code: 'UNTRUSTED',
      message: expect.stringContaining('checksum'),
    })
    expect(publisher.mirror.requests).toEqual([])
    expect((await ensureFrom(publisher, { url: plain, checksum })).trust).toBe('pinned')
    expect((await ensureFrom(publisher, plain, asItIs)).trust).toBe('unverified')
  })
})

test('a name whose publisher gives no digest moves on to newer builds, and is downloaded once', async () => {
  const newer = smallQcow2('acme 2')
  await using publisher = await startPublisher({ '1': image, '2': newer })
  const provider = defineProvider({ ...acme, trust: 'unverified', checksumFiles: ['NONE'] })
  publisher.mirror.fail('/acme.example.org/', { swap: only(1) })
  publisher.mirror.fail('/acme.example.org/', { swap: only(1) })
  publisher.mirror.fail('/acme.example.org/', { swap: only(2) })
  const request = { provider, ...asItIs }
  const first = await ensureFrom(publisher, request)
  const again = await ensureFrom(publisher, request, { laterMs: nextWeekMs })
  expect(again).toMatchObject({ path: first.path, version: '1' })
  expect(Date.parse(again.resolved.at)).toBeGreaterThan(Date.parse(first.resolved.at))
  const last = await ensureFrom(publisher, request, { laterMs: 3 * nextWeekMs })
  expect(readFileSync(last.path).equals(newer)).toBe(true)
  expect(last.version).toBe('2')
  expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
  expect(warningsOf(publisher).filter((text) => text.includes('older'))).toEqual([])
})

function only(version: number): string {
  return `<title>Index of /</title><a href="${version}/">${version}/</a>`
}
