/** A checksum file, a listing or a file that is not of the same day as the others: asked again once, past all caches. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { cacheLayout } from '../../src/store/layout.js'
import { makeKey, clearSign } from '../support/keys.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { acmeSigning, keyPath } from '../support/signed.js'
import { ensureFrom, warningsOf } from './ensure-from.js'

const file = 'acme-1.x86_64.qcow2'
const sums = '/acme.example.org/1/SHA256SUMS'
const image = smallQcow2('acme 1')
const other = smallQcow2('acme 1, another build')
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const listing = (version: string) =>
  `<title>Index of /</title><pre><a href="${version}/">${version}/</a></pre>`
const line = (bytes: Buffer | string) => `${sha256(bytes)}  ${file}\n`

/** Has `image`, and in turn these answers for its checksum file. */
async function startStale(...answers: readonly string[]): Promise<Publisher> {
  const publisher = await startPublisher({ '1': image })
  for (const swap of answers) publisher.mirror.fail(sums, { swap })
  return publisher
}

/** How often a path was asked for, and with which words for caches. */
const asked = ({ mirror }: Publisher, path: string) =>
  mirror.requests.filter((one) => one.path === path).map(({ headers }) => headers['cache-control'])

const leftIn = ({ options }: Publisher) =>
  readdirSync(cacheLayout(String(options.cacheDir)).ingest, { recursive: true }).filter((name) =>
    String(name).includes('part'),
  )

describe('when the bytes are not those that the checksum file names', () => {
  test('the checksum file is asked for again past caches, and the right one needs no second download', async () => {
    await using publisher = await startStale(line('yesterday'), line(image))
    const base = await ensureFrom(publisher, { provider: acme })
    expect(base.digest).toBe(`sha256:${sha256(image)}`)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(asked(publisher, sums)).toEqual([undefined, 'no-cache'])
    expect(asked(publisher, '/acme.example.org/')).toEqual([undefined, 'no-cache'])
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    expect(warningsOf(publisher)).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Cannot use the download.*its publisher has another answer.*digest sha256:${sha256(image)}`,
        ),
      ),
    ])
    expect(leftIn(publisher)).toEqual([])
  })

  test('of a newer image that was replaced after it was named, the newer is downloaded', async () => {
    await using publisher = await startStale(line(other), line(image))
    publisher.mirror.fail(publisher.path('1'), { swap: Buffer.alloc(70_000, 'x') })
    publisher.mirror.fail(publisher.path('1'), { status: 416 })
    publisher.mirror.fail(publisher.path('1'), { swap: image })
    const base = await ensureFrom(publisher, { provider: acme })
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(leftIn(publisher)).toEqual([])
  })

  test('a publisher that says the same is asked no third time, and the error says so', async () => {
    await using publisher = await startStale(line('nobody has this'))
    await expect(ensureFrom(publisher, { provider: acme })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringMatching(
        /was asked again, past all caches, and says the same\.\n.*try again later/,
      ),
    })
    expect(asked(publisher, sums)).toHaveLength(2)
    expect(asked(publisher, publisher.path('1'))).toHaveLength(1)
    expect(leftIn(publisher)).toEqual([])
  })

  test('a publisher that says a third thing is believed once, not for ever', async () => {
    await using publisher = await startStale(line('first'), line('second'), line('third'))
    await expect(ensureFrom(publisher, { provider: acme })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(asked(publisher, sums)).toHaveLength(2)
    expect(leftIn(publisher)).toEqual([])
    expect(readdirSync(cacheLayout(String(publisher.options.cacheDir)).images)).toEqual([])
  })

  test('a publisher that does not answer any more is named beside what was wrong', async () => {
    await using publisher = await startStale(line('first'))
    publisher.mirror.fail('/acme.example.org/', {})
    publisher.mirror.fail('/acme.example.org/', { status: 403 }, Infinity)
    await expect(ensureFrom(publisher, { provider: acme })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringMatching(/expected sha256:.* Asking its publisher again failed: .*\n.*try again/),
    })
    expect(leftIn(publisher)).toEqual([])
  })

  test('a new answer is trusted no more than a first one: its signature counts', async () => {
    const [key, mallory] = await Promise.all([makeKey(), makeKey({ name: 'mallory' })])
    await using publisher = await startStale(
      await clearSign(line('yesterday'), key),
      await clearSign(line(image), mallory),
    )
    publisher.mirror.fail(keyPath, { swap: key.armored })
    const provider = acmeSigning('clear-signed', key)
    await expect(ensureFrom(publisher, { provider })).rejects.toMatchObject({ code: 'SIGNATURE_UNKNOWN' })
    expect(readdirSync(cacheLayout(String(publisher.options.cacheDir)).images)).toEqual([])
    expect(leftIn(publisher)).toEqual([])
  })

  test.each([
    ['a URL', (publisher: Publisher) => ({ url: `${publisher.mirror.url}${publisher.path('1')}` })],
    ['a name', () => ({ provider: acme })],
  ])('%s with a checksum of the caller is asked once', async (_, input) => {
    await using publisher = await startStale('no image is named here\n')
    const checksum = `sha256:${sha256('what the caller wants')}`
    await expect(ensureFrom(publisher, { ...input(publisher), checksum })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.not.stringContaining('again, past'),
    })
    expect(asked(publisher, sums).length).toBeLessThan(2)
    expect(asked(publisher, publisher.path('1'))).toHaveLength(1)
    expect(leftIn(publisher)).toEqual([])
  })
})

describe('when the file is gone', () => {
  test('the listings are asked again past caches, and the build that is there now is downloaded', async () => {
    await using publisher = await startPublisher({ '1': other, '2': image })
    publisher.mirror.fail('/acme.example.org/', { swap: listing('1') })
    publisher.mirror.fail('/acme.example.org/', { swap: listing('2') })
    publisher.mirror.fail(publisher.path('1'), { status: 404 }, Infinity)
    expect((await ensureFrom(publisher, { provider: acme })).version).toBe('2')
    expect(warningsOf(publisher)).toEqual([
      expect.stringMatching(/404.*another answer, which is used: url .*\/2\//),
    ])
  })

  test('and the publisher still names it, it is asked for once', async () => {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(publisher.path('1'), { status: 404 }, Infinity)
    await expect(ensureFrom(publisher, { provider: acme })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('says the same.'),
    })
    expect(asked(publisher, publisher.path('1'))).toHaveLength(1)
    expect(asked(publisher, sums)).toHaveLength(2)
  })
})
