import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Digest } from '../../src/digest.js'
import { errorOf } from '../support/error-of.js'
import { image, sha256, startDownloading } from '../support/downloading.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'

test('download() brings the file and says where it is, how large, and what it is', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const url = `${mirror.url}/file`
  expect(await downloading.run([url])).toEqual({
    path: `${downloading.directory}/part`,
    sizeBytes: image.length,
    url,
    digest: sha256(image),
  })
  expect((await downloading.part()).equals(image)).toBe(true)
  expect(mirror.bytesServed('/file')).toBe(image.length)
})

test.each(['sha512', 'sha384', 'sha256', 'sha1', 'md5'] as const)(
  'download() verifies %s',
  async (algorithm) => {
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    const hex = createHash(algorithm).update(image).digest('hex')
    const digest = { algorithm, hex }
    expect((await downloading.run([`${mirror.url}/file`], { digest })).digest).toEqual(digest)
    const wrong = { algorithm, hex: hex.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }
    const error = await errorOf(downloading.run([`${mirror.url}/file`], { digest: wrong }))
    expect(error.code).toBe('DIGEST_MISMATCH')
  },
)

test('download() tells the progress: first nothing, at the end everything, never less than before', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const url = `${mirror.url}/file`
  mirror.fail('/file', { trickle: { bytes: 200_000, everyMs: 120 } })
  await downloading.run([url])
  const received = downloading.events.map((event) =>
    event.type === 'downloading' ? event.receivedBytes : -1,
  )
  expect(downloading.events[0]).toEqual({
    type: 'downloading',
    name: 'fedora',
    url,
    receivedBytes: 0,
    totalBytes: image.length,
  })
  expect(received).toEqual(received.toSorted((a, b) => a - b))
  expect(received.at(-1)).toBe(image.length)
  expect(received.length).toBeGreaterThan(4)
})

test('download() takes a file of unknown size', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const { sizeBytes } = await downloading.run([`${mirror.url}/file`], { sizeBytes: undefined })
  expect(sizeBytes).toBe(image.length)
})

test('download() without a digest gives the one that it found', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const request = { digest: undefined, sizeBytes: undefined }
  expect((await downloading.run([`${mirror.url}/file`], request)).digest).toEqual(sha256(image))
})

test('download() without a digest refuses a body that may have broken off unnoticed', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { http10: true }, Infinity)
  const request = { digest: undefined, sizeBytes: undefined }
  const error = await errorOf(downloading.run([`${mirror.url}/file`], request))
  expect([error.code, error.message]).toEqual(['NETWORK', expect.stringContaining('does not say how long')])
})

test('download() of an empty file works', async () => {
  await using mirror = await startMirror({ file: '' })
  await using downloading = await startDownloading()
  const request = { digest: sha256(Buffer.alloc(0)), sizeBytes: 0 }
  expect((await downloading.run([`${mirror.url}/file`], request)).sizeBytes).toBe(0)
})

test('The part can be read by its owner only', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const { path } = await downloading.run([`${mirror.url}/file`])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await readdir(downloading.directory)).toSorted()).toEqual(['part', 'state.json'])
})

test('download() from nowhere is a mistake of the caller', async () => {
  await using downloading = await startDownloading()
  await expect(downloading.run([])).rejects.toThrow(TypeError)
})

test('An abort ends the download with its reason, and what has arrived is used by the next one', async () => {
  const controller = new AbortController()
  const reason = new Error('the user went home')
  await using mirror = await startMirror({ file: image })
  await using first = await startDownloading(controller.signal)
  mirror.fail('/file', { stallAfter: 700_000 })
  const running = first.run([`${mirror.url}/file`], {}, { stallMs: 60_000 })
  await expect.poll(async () => (await first.part()).length).toBe(700_000)
  controller.abort(reason)
  await expect(running).rejects.toBe(reason)

  await using second = await startDownloading()
  await second.run([`${mirror.url}/file`], { directory: first.directory })
  expect(mirror.requests[1]?.range).toBe('bytes=700000-')
  expect(mirror.bytesServed('/file')).toBe(image.length)
})

test('An abort ends the wait before the next attempt', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading(AbortSignal.timeout(300))
  mirror.fail('/file', { status: 503, headers: { 'retry-after': '60' } }, Infinity)
  const running = downloading.run([`${mirror.url}/file`], {}, { retryMaxMs: 60_000 })
  await expect(running).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('An aborted signal asks nobody', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading(AbortSignal.abort())
  await expect(downloading.run([`${mirror.url}/file`])).rejects.toMatchObject({ name: 'AbortError' })
  expect(mirror.requests).toEqual([])
})

test('Memory stays flat while 256 MiB arrive', async () => {
  const size = 2 ** 28
  await using files = await tempDir()
  await using file = await open(`${files.path}/file`, 'w')
  await file.truncate(size)
  const digest = digestOfZeros(size)
  await using mirror = await startMirror(files.path)
  await using downloading = await startDownloading()
  const before = process.memoryUsage()
  let peak = before
  const timer = setInterval(() => {
    const now = process.memoryUsage()
    if (now.rss > peak.rss) peak = now
  }, 5)
  await downloading.run(
    [`${mirror.url}/file`],
    { sizeBytes: size, digest },
    { stallMs: 10_000, slowWindowMs: 10_000 },
  )
  clearInterval(timer)
  // The mirror runs in this process too, and its garbage counts.
  expect(peak.rss - before.rss).toBeLessThan(128 * 2 ** 20)
})

function digestOfZeros(sizeBytes: number): Digest {
  const piece = Buffer.alloc(2 ** 20)
  const hash = createHash('sha256')
  for (let done = 0; done < sizeBytes; done += piece.length) hash.update(piece)
  return { algorithm: 'sha256', hex: hash.digest('hex') }
}
