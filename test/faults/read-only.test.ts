/** A cache on a file system that is mounted read-only, in a namespace of its own: even root cannot write to it. */
import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { openingCode } from './opening.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const noMounts = 'this system lets nobody but root mount in a namespace (unshare -rm)'
const first = smallQcow2('acme 1')
const second = smallQcow2('acme 2')

/** A publisher of two versions, and a cache that has the first. */
async function startWarm(): Promise<Publisher> {
  const publisher = await startPublisher({ '1': first, '2': second })
  await using _ = await openVmImage({ provider: acme, version: '1' }, publisher.options)
  return publisher
}

/** What `code` prints where the cache is mounted read-only. */
function runReadOnly(publisher: Publisher, code: string): Promise<string> {
  const cache = `'${publisher.options.cacheDir}'`
  return runUnshared(
    `mount --bind ${cache} ${cache} && mount -o remount,bind,ro ${cache}`,
    `${openingCode(publisher)}\n${code}`,
  )
}

test('fault 37, the cache is mounted read-only and has the image: it is used where it lies, and nobody is asked', async ({
  skip,
}) => {
  skip(!canUnshare, noMounts)
  await using publisher = await startWarm()
  const asked = publisher.mirror.requests.length
  const said = await runReadOnly(
    publisher,
    `const image = await openVmImage({ provider: acme, version: '1' }, options)
    const { inspectImage } = await source('qcow2/inspect.ts')
    console.log(image.baseImage.startsWith(layout.images), inspectImage(image.baseImage, {}).format)
    await image[Symbol.asyncDispose]()`,
  )
  expect(said).toBe('true qcow2')
  expect(publisher.mirror.requests).toHaveLength(asked)
})

test('fault 37, the cache is mounted read-only and has the image under another request: what that resolved to is not remembered, and no error', async ({
  skip,
}) => {
  skip(!canUnshare, noMounts)
  await using publisher = await startWarm()
  const served = publisher.mirror.bytesServed(publisher.path('1'))
  const checksum = `sha256:${createHash('sha256').update(first).digest('hex')}`
  const said = await runReadOnly(
    publisher,
    `const image = await openVmImage({ provider: acme, version: '1', checksum: '${checksum}' }, options)
    console.log(image.version)
    await image[Symbol.asyncDispose]()`,
  )
  expect(said).toBe('1')
  expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(served)
})

test('fault 38, the cache is mounted read-only and lacks the image: an error at once, and no byte of it is asked for', async ({
  skip,
}) => {
  skip(!canUnshare, noMounts)
  await using publisher = await startWarm()
  const started = performance.now()
  const said = await runReadOnly(
    publisher,
    `console.log(await failure(openVmImage({ provider: acme, version: '2' }, options)))`,
  )
  expect(said).toMatch(/^CACHE_UNWRITABLE .*EROFS.*Make the cache writable, or set VMIMAGE_CACHE_DIR/)
  expect(performance.now() - started).toBeLessThan(20_000)
  expect(publisher.mirror.bytesServed(publisher.path('2'))).toBe(0)
})
