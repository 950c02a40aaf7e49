import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { type FileRequest, type ImageInput, parseRequest } from '../../src/request/request.js'
import { isPlainFile } from '../../src/request/is-plain-file.js'
import { findPrepared, prepareFile } from '../../src/run/prepared.js'
import { type RunInfo, startRun } from '../../src/run/run.js'
import { errorOf } from '../support/error-of.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'

const image = smallQcow2('prepared')

/** Starts a run with these images, ends it at once, and hands out what its workers would have known. */
async function infoOf(publisher: Publisher, images: readonly ImageInput[]): Promise<RunInfo> {
  const run = await startRun({ images }, publisher.context())
  run.close()
  // The next run has directories of its own; here none is needed, as without leases the cache itself is read.
  return { ...run.info, leaseDir: undefined }
}

const find = async (input: ImageInput, info: RunInfo, timeoutMs?: number) =>
  findPrepared(parseRequest(input), info, timeoutMs)

describe('findPrepared()', () => {
  test('serves the images of the run', async () => {
    await using publisher = await startPublisher({ '1': image })
    const info = await infoOf(publisher, [{ provider: acme }])
    expect(await find({ provider: acme }, info)).toBe(Object.values(info.images)[0])
  })

  test('serves from the cache what the list forgot', async () => {
    await using publisher = await startPublisher({ '1': image })
    await infoOf(publisher, [{ provider: acme }])
    const info = await infoOf(publisher, [])
    expect(await find({ provider: acme }, info)).toMatchObject({
      version: '1',
      resolved: { stale: undefined },
    })
  })

  test.each<[string, ImageInput, string | undefined]>([
    ['a name', { provider: acme }, 'resolved 0 seconds ago, and not again: a test uses no network.'],
    [
      'a URL',
      { url: 'https://acme.example.org/1/acme-1.x86_64.qcow2', minimumTrust: 'unverified' },
      undefined,
    ],
  ])('says of %s that is old in the cache whether a newer build may exist', async (_, input, stale) => {
    await using publisher = await startPublisher({ '1': image })
    await infoOf(publisher, [input])
    const info = { ...(await infoOf(publisher, [])), maxResolveAgeMs: -1 }
    expect((await find(input, info)).resolved.stale).toBe(stale)
  })

  test('refuses what is trusted less than its test or the run asks for, prepared or cached', async () => {
    await using publisher = await startPublisher({ '1': image })
    const url = 'https://acme.example.org/1/acme-1.x86_64.qcow2'
    const asItIs = { url, minimumTrust: 'unverified' } as const
    const prepared = await infoOf(publisher, [asItIs])
    const cached = await infoOf(publisher, [])
    for (const info of [prepared, cached]) {
      expect(await find(asItIs, info)).toMatchObject({ trust: 'unverified' })
      expect(await errorOf(find(url, info))).toMatchObject({
        code: 'UNTRUSTED',
        message: expect.stringContaining("{ minimumTrust: 'unverified' }"),
      })
      expect(await find(url, { ...info, minimumTrust: 'unverified' })).toMatchObject({ trust: 'unverified' })
    }
  })

  test('throws what kept the image away before the tests', async () => {
    await using publisher = await startPublisher({ '1': image })
    const info = await infoOf(publisher, [{ provider: acme, version: '2' }])
    const error = await errorOf(find({ provider: acme, version: '2' }, info))
    expect(error).toMatchObject({
      code: 'NO_MATCH',
      message: expect.stringMatching(/^pre-warming acme:2 failed:/),
    })
  })

  test('says how to list what is not there, and how to fetch it', async () => {
    await using publisher = await startPublisher({})
    const error = await errorOf(find('debian:12', { ...emptyInfo, cacheDir: publisher.directory }, 5000))
    expect(error).toMatchObject({
      code: 'NOT_CACHED',
      message: expect.stringMatching(
        /timeout is 5000 ms.*\n.*Add 'debian:12' to images, in vmImages.*npx vmimage fetch/,
      ),
    })
  })

  test('does not serve a packed file of an earlier run: it may be another one by now', async () => {
    await using publisher = await startPublisher({})
    const packed = join(publisher.directory, 'system.qcow2.gz')
    writeFileSync(packed, gzipSync(image))
    const earlier = await infoOf(publisher, [packed])
    expect(await find(packed, earlier)).toMatchObject({ name: 'system.qcow2' })
    const error = await errorOf(find(packed, { ...earlier, images: {} }))
    expect(error).toMatchObject({
      code: 'NOT_CACHED',
      message: expect.stringContaining('vmImages({ images })'),
    })
    expect(error).not.toMatchObject({ message: expect.stringContaining('npx vmimage fetch') })
  })
})

describe('prepareFile()', () => {
  test('serves a file as it was prepared, and anew when somebody wrote to it since', async () => {
    await using publisher = await startPublisher({})
    const file = join(publisher.directory, 'system.qcow2')
    writeFileSync(file, image)
    const info = await infoOf(publisher, [file])
    const [prepared] = Object.values(info.images)
    expect(await prepareFile(plain(file), info, context)).toBe(prepared)
    appendFileSync(file, Buffer.alloc(512))
    const again = await prepareFile(plain(file), info, context)
    expect(again.stamp.sizeBytes).toBe(image.length + 512)
  })

  test('inspects a file that nobody listed', async () => {
    await using publisher = await startPublisher({})
    const file = join(publisher.directory, 'system.qcow2')
    writeFileSync(file, image)
    const base = await prepareFile(plain(file), emptyInfo, context)
    expect(base).toMatchObject({ path: file, format: 'qcow2', leaseDir: undefined })
    rmSync(file)
    await expect(prepareFile(plain(file), emptyInfo, context)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    })
  })

  test('is for files that are not packed', () => {
    expect(isPlainFile(parseRequest('./disk.img'))).toBe(true)
    expect(isPlainFile(parseRequest('./disk.img.xz'))).toBe(false)
    expect(isPlainFile(parseRequest('https://images.example.org/disk.img'))).toBe(false)
  })
})

const context = { report: () => undefined, signal: new AbortController().signal }

const emptyInfo: RunInfo = {
  overlayDir: '/nowhere',
  leaseDir: undefined,
  cacheDir: '/nowhere',
  extraCacheDirs: [],
  keptDir: '/nowhere',
  arch: 'x86_64',
  maxResolveAgeMs: 0,
  keep: 'never',
  session: '',
  keepLast: 0,
  keepMaxBytes: 0,
  onUnavailable: 'fail',
  minimumTrust: 'checksum',
  pinning: { file: undefined, isFrozen: false, pins: {} },
  providers: '[]',
  listed: {},
  images: {},
  errors: {},
}

function plain(path: string): FileRequest {
  const request = parseRequest(path)
  if (!isPlainFile(request)) throw new Error(`${path} is no plain file`)
  return request
}
