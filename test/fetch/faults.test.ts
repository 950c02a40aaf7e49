/**
 * What real servers do to a connection, one fault at a time, and what has to come of the download.
 */
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { httpStatusOf } from '../../src/http/http.js'
import { image, startDownloading } from '../support/downloading.js'
import { errorOf } from '../support/error-of.js'
import { startMirror } from '../support/mirror.js'

const size = image.length

test('A connection that is reset eight times, with progress, is taken up again each time', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: 100_000, reset: true }, 8)
  await downloading.run([`${mirror.url}/file`])
  expect((await downloading.part()).equals(image)).toBe(true)
  expect(mirror.requests).toHaveLength(9)
  expect(mirror.requests.slice(1).every(({ status }) => status === 206)).toBe(true)
  expect(mirror.bytesServed('/file')).toBeLessThan(1.3 * size + 8 * 100_000)
})

test('A server that makes no progress is given up after so many attempts', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: 0, reset: true }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`]))
  expect(error.code).toBe('NETWORK')
  expect(mirror.requests).toHaveLength(3)
})

test('A server that starts over each time and gets as far each time makes no progress', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: 500_000, ignoreRange: true }, Infinity)
  expect((await errorOf(downloading.run([`${mirror.url}/file`]))).code).toBe('NETWORK')
  expect(mirror.requests).toHaveLength(3)
})

test.each([
  ['a body that ends before its Content-Length', {}],
  ['a body in chunks without the last one', { headers: { 'content-length': undefined } }],
])('After %s the rest is asked for', async (_, fault) => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { ...fault, cutAfter: 400_000 })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests[1]?.range).toBe('bytes=400000-')
  expect(mirror.bytesServed('/file')).toBe(size)
})

test('A HTTP/1.0 body that breaks off, which looks like a success, is completed', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { http10: true, cutAfter: 400_000 })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=400000-'])
})

test('A HTTP/1.0 body that breaks off is caught by the digest when the size is unknown', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { http10: true, cutAfter: 400_000 }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`], { sizeBytes: undefined }))
  expect(error.code).toBe('DIGEST_MISMATCH')
})

test('A download that stalls is taken up again', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { stallAfter: 400_000 })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests[1]?.range).toBe('bytes=400000-')
})

test('A download that stalls again and again fails and says how long it waited', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { stallAfter: 0 }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`]))
  expect(error.message).toContain('no byte arrived for 300 ms')
})

test('From a server that only trickles, the download goes on at the next one', async () => {
  await using slow = await startMirror({ file: image })
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  slow.fail('/file', { trickle: { bytes: 1, everyMs: 20 } }, Infinity)
  await downloading.run([`${slow.url}/file`, `${mirror.url}/file`])
  expect(slow.requests).toHaveLength(1)
  expect(mirror.requests[0]?.range).toMatch(/^bytes=\d+-$/)
})

test('A server that only trickles is given up, and the error says how slow it was', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { trickle: { bytes: 1, everyMs: 20 } }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`]))
  expect(error.message).toMatch(/only \d+ bytes arrived per second/)
})

test('A server that never answers is left for the next one', async () => {
  await using silent = await startMirror({ file: image })
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  silent.fail('/file', { silent: true }, Infinity)
  const { url } = await downloading.run([`${silent.url}/file`, `${mirror.url}/file`])
  expect(url).toBe(`${mirror.url}/file`)
  expect(silent.requests).toHaveLength(1)
})

test('A server that is down is left for the next one', async () => {
  const down = await startMirror({})
  await down[Symbol.asyncDispose]()
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  expect((await downloading.run([`${down.url}/file`, `${mirror.url}/file`])).url).toBe(`${mirror.url}/file`)
})

test.each([
  ['in a loop', { location: '/file' }],
  ['without a Location', {}],
  ['to a file', { location: 'file:///etc/passwd' }],
])('A redirect %s is an error, and the next mirror is asked', async (_, headers) => {
  await using mirror = await startMirror({ file: image, good: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { status: 302, headers }, Infinity)
  expect((await downloading.run([`${mirror.url}/file`, `${mirror.url}/good`])).url).toBe(`${mirror.url}/good`)
})

test.each([404, 403, 410])('After %i the next mirror is asked at once', async (status) => {
  await using mirror = await startMirror({ file: image, good: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { status }, Infinity)
  await downloading.run([`${mirror.url}/file`, `${mirror.url}/good`])
  expect(mirror.requests.map(({ path }) => path)).toEqual(['/file', '/good'])
})

test.each([429, 503])('After %i the same server is asked again, no sooner than it says', async (status) => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { status, headers: { 'retry-after': '1' } })
  const start = performance.now()
  await downloading.run([`${mirror.url}/file`], {}, { retryMaxMs: 5000 })
  expect(performance.now() - start).toBeGreaterThan(990)
})

test('A server that stays overloaded is left for the next one', async () => {
  await using mirror = await startMirror({ file: image, good: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { status: 503, headers: { 'retry-after': '3600' } }, Infinity)
  await downloading.run([`${mirror.url}/file`, `${mirror.url}/good`])
  expect(mirror.requests.map(({ path }) => path)).toEqual(['/file', '/file', '/file', '/good'])
})

test('When all fail, the error lists every URL with what it answered', async () => {
  await using mirror = await startMirror({})
  await using downloading = await startDownloading()
  mirror.fail('/b', { status: 403 })
  const error = await errorOf(downloading.run([`${mirror.url}/a`, `${mirror.url}/b`]))
  expect(error.code).toBe('NETWORK')
  expect(error.message).toContain(`${mirror.url}/a (HTTP 404 Not Found`)
  expect(error.message).toContain(`${mirror.url}/b (HTTP 403 Forbidden`)
  expect(error.message).toContain('\nRun it again')
  expect(httpStatusOf(error)).toBe(403)
})

test('A body with a content encoding is refused, and the next mirror is asked', async () => {
  await using mirror = await startMirror({ file: image, good: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { headers: { 'content-encoding': 'gzip' } }, Infinity)
  await downloading.run([`${mirror.url}/file`, `${mirror.url}/good`])
  expect(mirror.requests.map(({ path }) => path)).toEqual(['/file', '/good'])
})

test('A part that cannot be written is an error of the system, and no server is blamed', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  await writeFile(`${downloading.directory}/other`, '')
  await expect(
    downloading.run([`${mirror.url}/file`], { directory: `${downloading.directory}/other` }),
  ).rejects.toMatchObject({ code: 'ENOTDIR' })
  expect(mirror.requests).toEqual([])
})
