/**
 * Going on where an earlier download ended: when that is allowed, and what keeps the wrong bytes out.
 */
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Downloading, image, startDownloading } from '../support/downloading.js'
import { startMirror } from '../support/mirror.js'

const size = image.length
const have = 400_000

/** What a process that died has left: `bytes` of a file that came from `url`. */
async function leave(
  { directory }: Downloading,
  url: string,
  bytes: Buffer,
  validator?: string,
): Promise<void> {
  await writeFile(join(directory, 'part'), bytes)
  await writeFile(join(directory, 'state.json'), JSON.stringify({ url, validator, totalBytes: size }))
}

async function etagOf(url: string): Promise<string> {
  return (await fetch(url, { method: 'HEAD' })).headers.get('etag') ?? ''
}

test('fault 1, a process dies while it downloads: its bytes are hashed, and the rest of the same file is asked for', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const url = `${mirror.url}/file`
  const etag = await etagOf(url)
  await leave(downloading, url, image.subarray(0, have), etag)
  await downloading.run([url])
  const request = mirror.requests.at(-1)
  expect([request?.range, request?.headers['if-range']]).toEqual([`bytes=${have}-`, etag])
  expect(mirror.bytesServed('/file')).toBe(size - have)
  expect(downloading.events[0]).toMatchObject({ receivedBytes: have })
})

test('fault 3, 26, a process dies with all bytes received: they are verified, and nobody is asked', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  await leave(downloading, `${mirror.url}/file`, image)
  expect(await downloading.run([`${mirror.url}/file`])).toMatchObject({ sizeBytes: size })
  expect(mirror.requests).toEqual([])
})

test.each([
  ['whole but wrong', Buffer.alloc(size, 1)],
  ['longer than the file', Buffer.alloc(size + 10, 1)],
])(
  'fault 26, a server says 416 to the end of a wrong part: it costs one download from byte 0 (%s)',
  async (_, bytes) => {
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    const url = `${mirror.url}/file`
    await leave(downloading, url, bytes, await etagOf(url))
    await downloading.run([url])
    expect((await downloading.part()).equals(image)).toBe(true)
    expect(mirror.requests.slice(1).map(({ status }) => status)).toEqual([416, 200])
  },
)

test('fault 15, a part ends in zeros, as after a power cut: the digest finds it out, and the whole is asked for once', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const url = `${mirror.url}/file`
  const torn = Buffer.concat([image.subarray(0, have - 4096), Buffer.alloc(4096)])
  await leave(downloading, url, torn, await etagOf(url))
  await downloading.run([url])
  expect(mirror.requests.slice(1).map(({ range }) => range)).toEqual([`bytes=${have}-`, undefined])
})

test.each([
  ['is missing', undefined],
  ['is empty', ''],
  ['is cut off', '{"url":"http://'],
  ['has no URL', '{"url":7,"totalBytes":5}'],
  ['is of another kind', '[]'],
])('A part whose state %s is started over', async (_, state) => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  await writeFile(join(downloading.directory, 'part'), image.subarray(0, have))
  await writeFile(join(downloading.directory, state === undefined ? 'other.json' : 'state.json'), state ?? '')
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined])
})

test('fault 24, a server ignores the range: the part is started over in place', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: have })
  mirror.fail('/file', { ignoreRange: true })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ status }) => status)).toEqual([200, 200])
  expect((await downloading.part()).equals(image)).toBe(true)
})

test.each([
  ['another start', `bytes 5-${size - 1}/${size}`],
  ['another total', `bytes ${have}-${size}/${size + 1}`],
  ['no sense', 'bytes'],
  ['nothing', undefined],
])(
  'fault 25, a 206 is of another range or another file: it is thrown away, and the file asked for from byte 0 (%s)',
  async (_, range) => {
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    mirror.fail('/file', { cutAfter: have })
    mirror.fail('/file', { headers: { 'content-range': range } })
    await downloading.run([`${mirror.url}/file`])
    expect(mirror.requests.map((request) => request.range)).toEqual([undefined, `bytes=${have}-`, undefined])
  },
)

test('fault 26, a server says 416: the file is asked for from byte 0', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: have })
  mirror.fail('/file', { status: 416 })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${have}-`, undefined])
})

test('fault 27, the file changes between two requests: If-Range has it sent whole, never put together from both', async () => {
  const older = Buffer.alloc(size, 1)
  await using mirror = await startMirror({ file: older })
  await using downloading = await startDownloading()
  mirror.fail('/file', { cutAfter: have })
  mirror.fail('/file', { swap: image })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ status }) => status)).toEqual([200, 200])
})

test('fault 27, the file changes behind one and the same validator: the digest finds it out, and the whole is asked for', async () => {
  await using mirror = await startMirror({ file: Buffer.alloc(size, 1) })
  await using downloading = await startDownloading()
  const headers = { etag: undefined } // which leaves Last-Modified, and that of the mirror never changes
  mirror.fail('/file', { headers, cutAfter: have })
  mirror.fail('/file', { headers, swap: image })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ status }) => status)).toEqual([200, 206, 200])
  expect((await downloading.part()).equals(image)).toBe(true)
})

test.each([
  ['a weak ETag', { etag: 'W/"1"' }],
  [
    'no ETag and a Last-Modified of this very second',
    { etag: undefined, 'last-modified': new Date(Date.now() + 5000).toUTCString() },
  ],
  ['no validator', { etag: undefined, 'last-modified': undefined }],
])('fault 28, a server gives no strong validator: it is asked from byte 0 (%s)', async (_, headers) => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { headers, cutAfter: have })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests.map(({ range }) => range)).toEqual([undefined, undefined])
})

test('fault 28, a server gives no ETag but an old Last-Modified: that is strong enough to go on', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  mirror.fail('/file', { headers: { etag: undefined }, cutAfter: have })
  await downloading.run([`${mirror.url}/file`])
  expect(mirror.requests[1]?.headers['if-range']).toBe('Wed, 01 Jan 2025 00:00:00 GMT')
  expect(mirror.bytesServed('/file')).toBe(size)
})

test('Another mirror is asked for the rest without the first one’s validator', async () => {
  await using first = await startMirror({ file: image })
  await using second = await startMirror({ file: image })
  await using downloading = await startDownloading()
  first.fail('/file', { cutAfter: have })
  first.fail('/file', { status: 404 })
  await downloading.run([`${first.url}/file`, `${second.url}/file`])
  expect(second.requests[0]?.range).toBe(`bytes=${have}-`)
  expect(second.requests[0]?.headers['if-range']).toBeUndefined()
  expect(second.bytesServed('/file')).toBe(size - have)
})

test('Without a digest another mirror is asked from byte 0: nothing would tell a mixture', async () => {
  await using first = await startMirror({ file: image })
  await using second = await startMirror({ file: image })
  await using downloading = await startDownloading()
  first.fail('/file', { cutAfter: have })
  first.fail('/file', { status: 404 })
  await downloading.run([`${first.url}/file`, `${second.url}/file`], { digest: undefined })
  expect(second.requests[0]?.range).toBeUndefined()
})

test('A redirector that sends every request to another mirror does not cost a byte twice', async () => {
  await using one = await startMirror({ file: image })
  await using two = await startMirror({ file: image })
  await using redirector = await startMirror({})
  await using downloading = await startDownloading()
  for (const { url } of [one, two])
    redirector.fail('/file', { status: 302, headers: { location: `${url}/file` } })
  one.fail('/file', { cutAfter: have })
  const { url } = await downloading.run([`${redirector.url}/file`])
  expect(url).toBe(`${two.url}/file`)
  expect([one.bytesServed('/file'), two.bytesServed('/file')]).toEqual([have, size - have])
})

test('The state names the host, its strong validator and the size', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  const url = `${mirror.url}/file`
  await downloading.run([url])
  const state: unknown = JSON.parse(await readFile(join(downloading.directory, 'state.json'), 'utf8'))
  expect(state).toEqual({ url, validator: await etagOf(url), totalBytes: size })
})

test('fault 41, a part is a symbolic link: it is not followed, and what it points to stays as it is', async () => {
  await using mirror = await startMirror({ file: image })
  await using downloading = await startDownloading()
  await writeFile(join(downloading.directory, 'precious'), 'precious')
  await symlink('precious', join(downloading.directory, 'part'))
  await expect(downloading.run([`${mirror.url}/file`])).rejects.toMatchObject({ code: 'ELOOP' })
  expect(await readFile(join(downloading.directory, 'precious'), 'utf8')).toBe('precious')
})
