import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import type { Context } from '../../src/context.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import { cacheLayout } from '../../src/store/layout.js'
import { openRunDirectory, type RunDirectory } from '../../src/store/run-directory.js'
import { acme, startPublisher } from '../support/publisher.js'
import { withBackingFile } from './with-backing-file.js'

const image = smallQcow2('acme 1')
const newer = smallQcow2('acme 2')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

function ensure(input: ImageInput, run: RunDirectory | undefined, context: Context) {
  return ensureBaseImage(parseRequest(input), run?.leaseDir, context)
}

describe('ensureBaseImage()', () => {
  test('downloads what is not cached, verifies and leases it', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    await using run = await openRunDirectory(context)
    const base = await ensure({ provider: acme }, run, context)
    expect(base).toMatchObject({
      name: 'Acme',
      version: '1',
      arch: 'x86_64',
      fileName: 'acme-1.x86_64.qcow2',
      url: 'https://acme.example.org/1/acme-1.x86_64.qcow2',
      digest: `sha256:${sha256(image)}`,
      trust: 'checksum',
      format: 'qcow2',
      virtualSizeBytes: 4 * 1024 ** 2,
    })
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(base.path.startsWith(String(run.leaseDir))).toBe(true)
    expect(statSync(base.path).mode & 0o777).toBe(0o444)
    await context.http.close()
  })

  test('asks nobody when the image is cached, also with the publisher gone', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const first = await ensure({ provider: acme }, undefined, context)
    const asked = publisher.mirror.requests.length
    await context.http.close()
    await publisher.mirror[Symbol.asyncDispose]()
    expect(await ensure({ provider: acme }, undefined, publisher.context())).toEqual(first)
    expect(publisher.mirror.requests).toHaveLength(asked)
  })

  test('downloads once for all who ask at the same time', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const bases = await Promise.all(
      Array.from({ length: 8 }, () => ensure({ provider: acme }, undefined, context)),
    )
    expect(new Set(bases.map(({ path }) => path)).size).toBe(1)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    await context.http.close()
  })

  test('finds one image under every request that means it', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    await ensure({ provider: acme }, undefined, context)
    await ensure({ provider: acme, version: '1' }, undefined, context)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    await context.http.close()
  })

  test('fault 17, a download fails for good: the next one goes on from what has arrived', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const path = publisher.path('1')
    publisher.mirror.fail(path, { cutAfter: 300_000 })
    publisher.mirror.fail(path, { status: 404 })
    await expect(ensure({ provider: acme }, undefined, context)).rejects.toMatchObject({ code: 'NETWORK' })
    await ensure({ provider: acme }, undefined, context)
    const ranges = publisher.mirror.requests
      .filter((request) => request.path === path)
      .map(({ range }) => range)
    expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-$/)
    await context.http.close()
  })

  test('fault 29, the only mirror sends bytes with another digest: nothing is published, and nothing is left', async () => {
    await using publisher = await startPublisher({ '1': image }, { '1': sha256(newer) })
    const context = publisher.context()
    await expect(ensure({ provider: acme }, undefined, context)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    const layout = cacheLayout(context.cacheDir)
    expect(readdirSync(layout.images)).toEqual([])
    expect(readdirSync(layout.ingest, { recursive: true })).toHaveLength(1)
    await context.http.close()
  })

  test('never publishes an image that names a backing file, though its digest is right', async () => {
    await using publisher = await startPublisher({ '1': withBackingFile(image) })
    const context = publisher.context()
    await expect(ensure({ provider: acme }, undefined, context)).rejects.toMatchObject({
      code: 'UNSAFE_IMAGE',
      message: expect.stringContaining('Q2'),
    })
    expect(readdirSync(cacheLayout(context.cacheDir).images)).toEqual([])
    await context.http.close()
  })

  test('asks again when the resolution is old, and finds the newer version', async () => {
    await using publisher = await startPublisher({ '1': image, '2': newer })
    publisher.mirror.fail('/acme.example.org/', {
      swap: '<title>Index of /</title><pre><a href="1/">1/</a></pre>',
    })
    const early = publisher.context()
    expect((await ensure({ provider: acme }, undefined, early)).version).toBe('1')
    publisher.mirror.fail('/acme.example.org/', {
      swap: '<title>Index of /</title><pre><a href="1/">1/</a> <a href="2/">2/</a></pre>',
    })
    expect((await ensure({ provider: acme }, undefined, publisher.context())).version).toBe('1')
    const late = publisher.context({ maxResolveAgeHours: 0 })
    expect(
      (await ensure({ provider: acme }, undefined, { ...late, now: () => Date.now() + 1 })).version,
    ).toBe('2')
    await early.http.close()
    await late.http.close()
  })

  test('serves an old resolution when the publisher does not answer, and says since when and why', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const first = await ensure({ provider: acme }, undefined, context)
    publisher.mirror.fail('/acme.example.org/', { status: 404 }, Infinity)
    const old = {
      ...publisher.context({ maxResolveAgeHours: 0 }),
      now: () => Date.now() + 9 * 86_400_000 + 60_000,
    }
    const served = await ensure({ provider: acme }, undefined, old)
    expect(served.path).toBe(first.path)
    expect(served.resolved).toEqual({
      at: first.resolved.at,
      stale: expect.stringMatching(/^resolved 9 days ago, and not again: .*404/),
    })
    expect(publisher.events.at(-1)).toMatchObject({
      type: 'warning',
      message: `Acme 1 comes from the cache: ${served.resolved.stale}`,
    })
    await context.http.close()
    await old.http.close()
  })

  test.each([
    ['a login page', { swap: '<title>Hotel</title><p>Please log in</p>' }],
    ['an empty listing', { swap: '<title>Index of /</title><pre><a href="../">../</a></pre>' }],
  ])('serves an old resolution when the publisher answers with %s', async (_, fault) => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const first = await ensure({ provider: acme }, undefined, context)
    publisher.mirror.fail('/acme.example.org/', fault)
    const old = { ...publisher.context({ maxResolveAgeHours: 0 }), now: () => Date.now() + 60_000 }
    expect((await ensure({ provider: acme }, undefined, old)).path).toBe(first.path)
    expect(publisher.events.at(-1)).toMatchObject({ type: 'warning' })
    await context.http.close()
    await old.http.close()
  })

  test('an old resolution does not hide that the publisher has bytes that are not to be trusted', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    await ensure({ provider: acme }, undefined, context)
    publisher.mirror.fail('/acme.example.org/1/SHA256SUMS', { swap: `${sha256(newer)}  acme-1.x86_64.qcow2` })
    const old = { ...publisher.context({ maxResolveAgeHours: 0 }), now: () => Date.now() + 60_000 }
    await expect(ensure({ provider: acme }, undefined, old)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    await context.http.close()
    await old.http.close()
  })

  test('offline, takes what is cached whatever its age, and says what to run for the rest', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const offline = publisher.context({ offline: true, maxResolveAgeHours: 0 })
    await expect(ensure({ provider: acme }, undefined, offline)).rejects.toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining('npx vmimage fetch acme'),
    })
    expect(publisher.mirror.requests).toEqual([])
    const first = await ensure({ provider: acme }, undefined, context)
    const old = { ...offline, now: () => Date.now() + 60_000 }
    const served = await ensure({ provider: acme }, undefined, old)
    expect(served.path).toBe(first.path)
    expect(served.resolved.stale).toContain('network is switched off')
    await context.http.close()
  })

  test('a lease outlives the image in the cache', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    await using run = await openRunDirectory(context)
    const base = await ensure({ provider: acme }, run, context)
    const { images } = cacheLayout(context.cacheDir)
    renameSync(images, `${images}.gone`)
    mkdirSync(images)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    await context.http.close()
  })

  test('fault 48, somebody deletes the cache: it is made and filled again', async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    await ensure({ provider: acme }, undefined, context)
    rmSync(context.cacheDir, { recursive: true })
    const base = await ensure({ provider: acme }, undefined, context)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    await context.http.close()
  })

  test("a checksum of the user's own pins the image", async () => {
    await using publisher = await startPublisher({ '1': image })
    const context = publisher.context()
    const pinned = await ensure({ provider: acme, checksum: `sha256:${sha256(image)}` }, undefined, context)
    expect(pinned.trust).toBe('pinned')
    await expect(
      ensure({ provider: acme, checksum: `sha256:${sha256(newer)}` }, undefined, context),
    ).rejects.toMatchObject({ code: 'CHECKSUM_CONFLICT' })
    await context.http.close()
  })
})
