/** A download that goes on: after the death of its process, after that of a mirror, and from what others have. */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { cacheLayout } from '../../src/store/layout.js'
import { newOwner } from '../../src/store/owner.js'
import { startMirror } from '../support/mirror.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { startWorker, type Worker } from '../support/worker.js'
import { ensureFrom } from './ensure-from.js'

/** 2.3 MiB, more than a connection holds. */
const image = smallQcow2('acme 1', { dataClusters: 32 })
const hex = createHash('sha256').update(image).digest('hex')
const half = image.length / 2

/** Downloads the image by `urls`, and says each time how far it is. */
function startFetching(publisher: Publisher, urls: readonly string[]): Worker {
  return startWorker(`
    const { makeContext } = await source('context.ts')
    const { parseRequest } = await source('request/request.ts')
    const { ensureCache } = await source('store/root.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { urlSource } = await source('image/source.ts')
    const { publishSource } = await source('image/publish-source.ts')
    const cacheDir = ${JSON.stringify(publisher.options.cacheDir)}
    const report = (event) => console.log(event.type, event.receivedBytes ?? event.message ?? '')
    const context = makeContext({ cacheDir, arch: 'x86_64', report }, {})
    const layout = cacheLayout(cacheDir)
    ensureCache(layout)
    const urls = ${JSON.stringify(urls)}
    const request = parseRequest({ url: urls[0], checksum: 'sha256:${hex}' })
    let isDone = false
    const publishing = { isDone: () => isDone, onPublished: () => (isDone = true), leaseDir: undefined, keepsWrongBytes: false }
    await publishSource(layout, { ...urlSource(request, context), urls }, publishing, context)
    await context.http.close()
  `)
}

const layoutOf = ({ options }: Publisher) => cacheLayout(String(options.cacheDir))

/** Kills a download when half of the image is on the disk: its mirror has stalled. */
async function killAtHalf(publisher: Publisher, urls: readonly string[]): Promise<void> {
  publisher.mirror.fail(publisher.path('1'), { stallAfter: half })
  await using worker = startFetching(publisher, urls)
  await worker.line(/^downloading/)
  const parent = join(layoutOf(publisher).ingest, `sha256-${hex}`)
  const part = join(parent, String(readdirSync(parent)), 'part')
  await vi.waitFor(() => expect(statSync(part).size).toBe(half), { timeout: 20_000, interval: 20 })
  worker.kill('SIGKILL')
  await worker.ended()
}

function expectPublished(publisher: Publisher): void {
  const { images, ingest } = layoutOf(publisher)
  expect(readFileSync(join(images, `sha256-${hex}`, 'disk')).equals(image)).toBe(true)
  expect(readdirSync(join(ingest, `sha256-${hex}`))).toEqual([])
}

test('fault 1, SIGKILL while downloading: the next process goes on, and no byte is served twice', async () => {
  await using publisher = await startPublisher({ '1': image })
  const path = publisher.path('1')
  const url = `${publisher.mirror.url}${path}`
  await killAtHalf(publisher, [url])
  await using second = startFetching(publisher, [url])
  expect((await second.ended()).code).toBe(0)
  expectPublished(publisher)
  expect(publisher.mirror.bytesServed(path)).toBe(image.length)
  expect(publisher.mirror.requests.at(-1)?.headers['if-range']).toMatch(/^"/)
})

test('fault 1, SIGKILL while downloading from a mirror that dies too: another mirror has the rest', async () => {
  await using publisher = await startPublisher({ '1': image })
  await using other = await startMirror({ '/file': image })
  const path = publisher.path('1')
  const urls = [`${publisher.mirror.url}${path}`, `${other.url}/file`]
  await killAtHalf(publisher, urls)
  publisher.mirror.fail(path, { status: 404 }, Infinity)
  await using second = startFetching(publisher, urls)
  expect((await second.ended()).code).toBe(0)
  expectPublished(publisher)
  expect(other.bytesServed('/file')).toBe(image.length - half)
})

/** What a process that cannot be judged from here, which may live, has of the image. */
async function leaveOfStranger(publisher: Publisher, url: string): Promise<string> {
  await killAtHalf(publisher, [url])
  const parent = join(layoutOf(publisher).ingest, `sha256-${hex}`)
  const [name = ''] = readdirSync(parent)
  const theirs = join(parent, newOwner().replace(/^.{8}/, '00000000'))
  cpSync(join(parent, name), theirs, { recursive: true })
  rmSync(join(parent, name), { recursive: true })
  return theirs
}

test('fault 14, a partial of another container on the same cache: copied, hashed, gone on from, and left to its owner', async () => {
  await using publisher = await startPublisher({ '1': image })
  const path = publisher.path('1')
  const theirs = await leaveOfStranger(publisher, `${publisher.mirror.url}${path}`)
  const base = await ensureFrom(publisher, {
    url: `${publisher.mirror.url}${path}`,
    checksum: `sha256:${hex}`,
  })
  expect(readFileSync(base.path).equals(image)).toBe(true)
  expect(publisher.mirror.bytesServed(path)).toBe(image.length)
  expect(readFileSync(join(theirs, 'part')).equals(image.subarray(0, half))).toBe(true)
})

test('fault 14, a partial of another container that holds wrong bytes: found out by the digest, and asked for whole', async () => {
  await using publisher = await startPublisher({ '1': image })
  const path = publisher.path('1')
  const theirs = await leaveOfStranger(publisher, `${publisher.mirror.url}${path}`)
  writeFileSync(join(theirs, 'part'), Buffer.alloc(half, 'x'))
  const base = await ensureFrom(publisher, { provider: acme })
  expect(readFileSync(base.path).equals(image)).toBe(true)
  expect(publisher.mirror.requests.filter((one) => one.path === path).map(({ range }) => range)).toEqual([
    undefined,
    `bytes=${half}-`,
    undefined,
  ])
})
