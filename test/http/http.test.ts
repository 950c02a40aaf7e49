import { expect, test } from 'vitest'
import { createHttp, type HttpOptions, httpStatusOf } from '../../src/http/http.js'
import { mirrorUrl } from '../../src/http/mirror-url.js'
import { errorOf } from '../support/error-of.js'
import { startMirror } from '../support/mirror.js'

const noProxy = { http: undefined, https: undefined, except: undefined }
const quick = { answerMs: 300, bodyMs: 300, textMs: 500, retryMs: 1, retryMaxMs: 50 }

function client(options: Partial<HttpOptions> = {}) {
  return createHttp({ mirror: undefined, offline: false, proxy: noProxy, timeouts: quick, ...options })
}

test('text() gives the text, its kind, and the URL it came from after redirects', async () => {
  await using mirror = await startMirror({ 'dir/index.html': '<a href="b">ü</a>' })
  expect(await client().text(`${mirror.url}/dir`)).toEqual({
    body: '<a href="b">ü</a>',
    url: `${mirror.url}/dir/`,
    askedUrl: `${mirror.url}/dir/`,
    contentType: 'text/html; charset=utf-8',
  })
})

test('fault 34, servers like to compress: every request asks for the bytes as they are, and says who asks', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await client().text(`${mirror.url}/a`)
  const [request] = mirror.requests
  expect(request?.headers['user-agent']).toMatch(/^vmimage\/\d+\.\d+\.\d+/)
  expect(request?.headers['accept-encoding']).toBe('identity')
  expect(request?.headers['cache-control']).toBeUndefined()
})

test('text() with fresh asks caches on the way to ask the publisher', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await client().text(`${mirror.url}/a`, { fresh: true })
  expect(mirror.requests[0]?.headers['cache-control']).toBe('no-cache')
})

test.each([
  ['https://site.example/a/b?c=d', 'http://127.0.0.1:1/p', 'http://127.0.0.1:1/p/site.example/a/b?c=d'],
  ['https://site.example:8443/a', 'http://127.0.0.1:1/', 'http://127.0.0.1:1/site.example:8443/a'],
  ['http://site.example/a', 'http://127.0.0.1:1/p', 'http://site.example/a'],
  ['https://site.example/a', undefined, 'https://site.example/a'],
])('mirrorUrl() maps %s with mirror %s to %s', (url, mirror, expected) => {
  expect(mirrorUrl(url, mirror)).toBe(expected)
})

test("An http URL that looks like the mirror's is no publisher's by https", async () => {
  await using mirror = await startMirror({ 'p/site.example/a': 'hello' })
  const url = `${mirror.url}/p/site.example/a`
  expect(await client({ mirror: `${mirror.url}/p` }).text(url)).toMatchObject({ url, askedUrl: url })
})

test('With a mirror, an https URL is asked there and known by its own name afterwards', async () => {
  await using mirror = await startMirror({ 'p/site.example/dir/index.html': 'hello' })
  const http = client({ mirror: `${mirror.url}/p` })
  expect(await http.text('https://site.example/dir')).toMatchObject({
    body: 'hello',
    url: 'https://site.example/dir/',
    askedUrl: `${mirror.url}/p/site.example/dir/`,
  })
  expect(mirror.requests.map(({ path }) => path)).toEqual(['/p/site.example/dir', '/p/site.example/dir/'])
})

test('A redirect away from the mirror is followed and named as it is', async () => {
  await using elsewhere = await startMirror({ file: 'far' })
  await using mirror = await startMirror({})
  mirror.fail('/site.example/a', { status: 302, headers: { location: `${elsewhere.url}/file` } })
  expect(await client({ mirror: mirror.url }).text('https://site.example/a')).toMatchObject({
    body: 'far',
    url: `${elsewhere.url}/file`,
  })
})

test('An error names the URL asked, where it was really asked, and the status', async () => {
  await using mirror = await startMirror({})
  const error = await errorOf(client({ mirror: mirror.url }).text('https://site.example/a'))
  expect(error.code).toBe('NETWORK')
  expect(httpStatusOf(error)).toBe(404)
  expect(error.message).toContain(
    `"https://site.example/a" (asked at ${mirror.url}/site.example/a): HTTP 404`,
  )
  expect(error.message).toContain('\nCheck the address')
})

test('text() does not ask again after 404', async () => {
  await using mirror = await startMirror({})
  await errorOf(client().text(`${mirror.url}/a`))
  expect(mirror.requests).toHaveLength(1)
})

test.each([429, 503])('text() asks again after %i, and no sooner than Retry-After', async (status) => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status, headers: { 'retry-after': '1' } })
  const start = performance.now()
  const http = client({ timeouts: { ...quick, retryMaxMs: 2000 } })
  expect((await http.text(`${mirror.url}/a`)).body).toBe('a')
  expect(performance.now() - start).toBeGreaterThan(990)
})

test('Retry-After is obeyed up to a cap', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status: 429, headers: { 'retry-after': '3600' } })
  expect((await client().text(`${mirror.url}/a`)).body).toBe('a')
})

test('text() gives up after four answers of an overloaded server', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status: 503 }, Infinity)
  expect(httpStatusOf(await errorOf(client().text(`${mirror.url}/a`)))).toBe(503)
  expect(mirror.requests).toHaveLength(4)
})

test('text() asks again when the connection breaks in the middle', async () => {
  await using mirror = await startMirror({ a: 'abcdef' })
  mirror.fail('/a', { cutAfter: 3 })
  expect((await client().text(`${mirror.url}/a`)).body).toBe('abcdef')
})

test('text() fails when nobody listens, and says so', async () => {
  const mirror = await startMirror({})
  await mirror[Symbol.asyncDispose]()
  const error = await errorOf(client().text(`${mirror.url}/a`))
  expect(error.message).toContain('ECONNREFUSED')
  expect(httpStatusOf(error)).toBeUndefined()
})

test('text() fails when no answer comes in time', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { silent: true }, Infinity)
  expect((await errorOf(client().text(`${mirror.url}/a`))).message).toContain('no answer within 300 ms')
})

test('text() fails when the text drips in too slowly to end in time', async () => {
  await using mirror = await startMirror({ a: 'a'.repeat(100) })
  mirror.fail('/a', { trickle: { bytes: 1, everyMs: 50 } }, Infinity)
  expect((await errorOf(client().text(`${mirror.url}/a`))).message).toContain(
    'no complete answer within 500 ms',
  )
})

test('bytes() gives the bytes as they are, with what text() says of them', async () => {
  const content = Buffer.from([0x99, 0x00, 0xff, 0x0d, 0x0a])
  await using mirror = await startMirror({ 'key.gpg': content })
  const url = `${mirror.url}/key.gpg`
  expect(await client().bytes(url)).toEqual({
    bytes: content,
    url,
    askedUrl: url,
    contentType: 'application/octet-stream',
  })
})

test('bytes() asks again when the connection breaks in the middle', async () => {
  await using mirror = await startMirror({ a: 'abcdef' })
  mirror.fail('/a', { cutAfter: 3 })
  expect((await client().bytes(`${mirror.url}/a`)).bytes.toString()).toBe('abcdef')
})

test('text() takes maxBytes and not one more, and does not ask for it again', async () => {
  await using mirror = await startMirror({ a: 'abcd' })
  expect((await client().text(`${mirror.url}/a`, { maxBytes: 4 })).body).toBe('abcd')
  const error = await errorOf(client().text(`${mirror.url}/a`, { maxBytes: 3 }))
  expect(error.code).toBe('ANSWER_TOO_LARGE')
  expect(error.message).toContain('more than 3 bytes')
  expect(error.message).toContain('\nOpen the address in a browser')
  expect(mirror.requests).toHaveLength(2)
})

test('A listing of 40 MB is refused', async () => {
  await using mirror = await startMirror({ 'dir/index.html': Buffer.alloc(40e6, '<') })
  const http = client({ timeouts: { retryMs: 1 } })
  expect((await errorOf(http.text(`${mirror.url}/dir/`))).code).toBe('ANSWER_TOO_LARGE')
})

test('A listing that never ends is refused', async () => {
  await using mirror = await startMirror({ 'dir/index.html': '<a href="x">x</a>\n'.repeat(10_000) })
  mirror.fail('/dir/', { endless: true }, Infinity)
  const http = client({ timeouts: { retryMs: 1 } })
  expect((await errorOf(http.text(`${mirror.url}/dir/`))).code).toBe('ANSWER_TOO_LARGE')
})

test('A listing that never ends and drips ends in time', async () => {
  await using mirror = await startMirror({ 'dir/index.html': '<a href="x">x</a>\n' })
  mirror.fail('/dir/', { endless: true, trickle: { bytes: 1, everyMs: 20 } }, Infinity)
  const error = await errorOf(client().text(`${mirror.url}/dir/`))
  expect([error.code, error.message]).toEqual(['NETWORK', expect.stringContaining('within 500 ms')])
})

test.each([
  ['a loop', { location: '/a' }, 'more than 5 redirects'],
  ['no Location', {}, 'without a usable Location'],
  ['a file: URL', { location: 'file:///etc/passwd' }, 'file:///etc/passwd'],
])('A redirect with %s is an error', async (_, headers, expected) => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status: 302, headers }, Infinity)
  const error = await errorOf(client().stream(`${mirror.url}/a`))
  expect(error.code).toBe('NETWORK')
  expect(error.message).toContain(expected)
})

test('Five redirects are followed', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status: 307, headers: { location: '/a' } }, 5)
  expect((await client().text(`${mirror.url}/a`)).body).toBe('a')
})

test.each(['file:///etc/passwd', 'ftp://127.0.0.1/a', 'no URL at all'])(
  '"%s" is not asked for',
  async (url) => {
    expect((await errorOf(client().text(url))).message).toContain('not an http or https URL')
  },
)

test('An answer with a content encoding is an error', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { headers: { 'content-encoding': 'gzip' } })
  expect((await errorOf(client().stream(`${mirror.url}/a`))).message).toContain('content-encoding "gzip"')
})

test.each([201, 204, 206])('Status %i is not a success', async (status) => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status })
  expect(httpStatusOf(await errorOf(client().stream(`${mirror.url}/a`)))).toBe(status)
})

test('stream() gives the range that was asked for', async () => {
  await using mirror = await startMirror({ a: 'abcdef' })
  const answer = await client().stream(`${mirror.url}/a`, { headers: { range: 'bytes=4-' } })
  const chunks: Buffer[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  expect([answer.status, Buffer.concat(chunks).toString()]).toEqual([206, 'ef'])
})

test('A body that nobody reads does no harm', async () => {
  await using mirror = await startMirror({ a: Buffer.alloc(1e6) })
  const answer = await client().stream(`${mirror.url}/a`)
  answer.body.destroy()
  answer.body.destroy()
  expect((await client().stream(`${mirror.url}/a`)).status).toBe(200)
})

test('An abort ends a request with the reason given', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { silent: true })
  const reason = new Error('the user went home')
  const controller = new AbortController()
  const asking = client().text(`${mirror.url}/a`, { signal: controller.signal })
  controller.abort(reason)
  await expect(asking).rejects.toBe(reason)
})

test('An abort ends a wait for the next attempt', async () => {
  await using mirror = await startMirror({ a: 'a' })
  mirror.fail('/a', { status: 503, headers: { 'retry-after': '60' } }, Infinity)
  const http = client({ timeouts: { retryMaxMs: 60_000 } })
  const asking = http.text(`${mirror.url}/a`, { signal: AbortSignal.timeout(200) })
  await expect(asking).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('close() ends open connections, twice without harm, and a later request opens new ones', async () => {
  await using mirror = await startMirror({ a: 'a' })
  const http = client()
  await http.text(`${mirror.url}/a`)
  await http.close()
  await http.close()
  expect((await http.text(`${mirror.url}/a`)).body).toBe('a')
  await http.close()
})
