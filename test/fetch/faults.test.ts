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

test('fault 17, the connection is reset again and again, with progress: it is taken up again each time', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: 100_000, reset: true }, 8)
  await downloading.run([`${mirror.url}/file`])
  expect((await downloading.part()).equals(image)).toBe(true)
  expect(mirror.requests).toHaveLength(9)
  expect(mirror.requests.slice(1).every(({ status }) => status === 206)).toBe(true)
  expect(mirror.bytesServed('/file')).toBeLessThan(1.3 * size + 8 * 100_000)
})

test('fault 17, the connection is reset again and again, without progress: the server is given up after so many attempts', async () => {
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
])(
  'fault 18, a body ends before its Content-Length or its last chunk: the rest is asked for (%s)',
  async (_, fault) => {
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    mirror.fail('/file', { ...fault, cutAfter: 400_000 })
    await downloading.run([`${mirror.url}/file`])
    expect(mirror.requests[1]?.range).toBe('bytes=400000-')
    expect(mirror.bytesServed('/file')).toBe(size)
  },
)

test('fault 19, an HTTP/1.0 body breaks off, which looks like a success: its size tells, and the rest is asked for', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { http10: true, cutAfter: 400_000 })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=400000-'])
})

test('fault 19, an HTTP/1.0 body of unknown size breaks off: the digest tells, and nothing is published', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { http10: true, cutAfter: 400_000 }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`], { sizeBytes: undefined }))
  expect(error.code).toBe('DIGEST_MISMATCH')
})

test('fault 21, a download stalls: it is broken off and taken up where it was', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { stallAfter: 400_000 })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests[1]?.range).toBe('bytes=400000-')
})

test('fault 21, a download stalls again and again: the error says how long it waited', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { stallAfter: 0 }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`]))
  expect(error.message).toContain('no byte arrived for 300 ms')
})

test('fault 22, a server only trickles: the download goes on at the next one', async () => {
  await using slow = await startMirror({ file: image })
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  slow.fail('/file', { trickle: { bytes: 1, everyMs: 20 } }, Infinity)
  await downloading.run([`${slow.url}/file`, `${mirror.url}/file`])
  expect(slow.requests).toHaveLength(1)
  expect(mirror.requests[0]?.range).toMatch(/^bytes=\d+-$/)
})

test('fault 22, the only server trickles: it is given up, and the error says how slow it was', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { trickle: { bytes: 1, everyMs: 20 } }, Infinity)
  const error = await errorOf(downloading.run([`${mirror.url}/file`]))
  expect(error.message).toMatch(/only \d+ bytes arrived per second/)
})

test('fault 23, a server takes the request and never answers: the next one is asked', async () => {
  await using silent = await startMirror({ file: image })
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  silent.fail('/file', { silent: true }, Infinity)
  const { url } = await downloading.run([`${silent.url}/file`, `${mirror.url}/file`])
  expect(url).toBe(`${mirror.url}/file`)
  expect(silent.requests).toHaveLength(1)
})

test('fault 23, a server is down: the next one is asked', async () => {
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
])(
  'fault 32, a redirect leads in a loop, nowhere or to a file: it is an error, and the next mirror is asked (%s)',
  async (_, headers) => {
    await using mirror = await startMirror({ file: image, good: image })
    await using downloading = await startDownloading()
    mirror.fail('/file', { status: 302, headers }, Infinity)
    expect((await downloading.run([`${mirror.url}/file`, `${mirror.url}/good`])).url).toBe(
      `${mirror.url}/good`,
    )
  },
)

test.each([404, 403, 410])(
  'fault 33, a mirror lacks or refuses the file: the next one is asked at once (%i)',
  async (status) => {
    await using mirror = await startMirror({ file: image, good: image })
    await using downloading = await startDownloading()
    mirror.fail('/file', { status }, Infinity)
    await downloading.run([`${mirror.url}/file`, `${mirror.url}/good`])
    expect(mirror.requests.map(({ path }) => path)).toEqual(['/file', '/good'])
  },
)

test.each([429, 503])(
  'fault 33, a server is overloaded: it is asked again, no sooner than it says (%i)',
  async (status) => {
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    mirror.fail('/file', { status, headers: { 'retry-after': '1' } })
    const start = performance.now()
    await downloading.run([`${mirror.url}/file`], {}, { retryMaxMs: 5000 })
    expect(performance.now() - start).toBeGreaterThan(990)
  },
)

test('fault 33, a server stays overloaded: the wait has a cap, and then the next one is asked', async () => {
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
  // That it is gone at one place is what a caller can do something about.
  expect(httpStatusOf(error)).toBe(404)
})

test('fault 34, a body comes in a content encoding: it is refused, and the next mirror is asked', async () => {
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
