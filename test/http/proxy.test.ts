import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { createHttp, type HttpOptions } from '../../src/http/http.js'
import { proxyFor } from '../../src/http/proxy.js'
import { errorOf } from '../support/error-of.js'
import { startMirror } from '../support/mirror.js'
import { startProxy } from '../support/proxy.js'

const none = { http: undefined, https: undefined, except: undefined }

function client(proxy: HttpOptions['proxy']) {
  return createHttp({ mirror: undefined, offline: false, proxy })
}

test('A plain URL goes through the HTTP proxy in absolute form', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await using proxy = await startProxy()
  const http = client({ ...none, http: proxy.url })
  expect((await http.text(`${mirror.url}/a`)).body).toBe('a')
  expect(proxy.requests).toEqual([`GET ${mirror.url}/a`])
})

test('A proxy may be given without a protocol', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await using proxy = await startProxy()
  const http = client({ ...none, http: proxy.url.replace('http://', '') })
  await http.text(`${mirror.url}/a`)
  expect(proxy.requests).toHaveLength(1)
})

test('A proxy that is no URL is an error of configuration', async () => {
  const http = client({ ...none, http: 'http://a b' })
  expect((await errorOf(http.text('http://127.0.0.1/a'))).code).toBe('INVALID_CONFIG')
})

test('An https URL goes through a tunnel of the HTTPS proxy', async () => {
  await using mirror = await startMirror({ a: 'a' }) // speaks no TLS: the tunnel is made, what follows fails
  await using proxy = await startProxy()
  const http = client({ ...none, https: proxy.url })
  await errorOf(http.stream(mirror.url.replace('http:', 'https:')))
  expect(proxy.requests).toEqual([`CONNECT ${mirror.url.replace('http://', '')}`])
  expect(mirror.requests).toEqual([])
})

test('A host named in NO_PROXY is asked directly', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await using proxy = await startProxy()
  const http = client({ http: proxy.url, https: proxy.url, except: 'other.example,127.0.0.1' })
  expect((await http.text(`${mirror.url}/a`)).body).toBe('a')
  expect(proxy.requests).toEqual([])
})

test.each([
  ['nothing', undefined, true],
  ['another host', 'b.example', true],
  ['the host', 'a.example', false],
  ['the host in capitals, among others', 'b.example, A.EXAMPLE', false],
  ['a list with blanks', 'b.example a.example', false],
  ['its port', 'a.example:8080', false],
  ['another port', 'a.example:80', true],
  ['its domain', 'example', false],
  ['its domain with a dot', '.example', false],
  ['its domain with an asterisk', '*.example:8080', false],
  ['the end of its name, which is no domain', 'ample', true],
  ['a network', '10.0.0.0/8', true],
  ['everything', '*', false],
  ['everything, among others', 'b.example,*', false],
])('NO_PROXY that names %s (%s): through the proxy is %s', (_, except, isThrough) => {
  const found = proxyFor('http://a.example:8080/x', { ...none, http: 'p:1', except })
  expect(found).toBe(isThrough ? 'http://p:1' : undefined)
})

test.each([
  ['http://[::1]:8080/', '::1', false],
  ['http://[::1]:8080/', '[::1]:8080', false],
  ['http://[::1]:8080/', '[::1]:80', true],
  ['https://a.example/', 'a.example:443', false],
  ['https://a.example/', 'a.example:80', true],
])('%s with NO_PROXY=%s: through the proxy is %s', (url, except, isThrough) => {
  expect(proxyFor(url, { ...none, http: 'p:1', except }) !== undefined).toBe(isThrough)
})

test.each<[string, (proxy: string) => Readonly<Record<string, string>>, number]>([
  ['HTTP_PROXY', (proxy) => ({ HTTP_PROXY: proxy }), 1],
  [
    'http_proxy beside another HTTP_PROXY',
    (proxy) => ({ HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: proxy }),
    1,
  ],
  ['ALL_PROXY', (proxy) => ({ ALL_PROXY: proxy }), 1],
  ['ALL_PROXY, and an empty http_proxy', (proxy) => ({ ALL_PROXY: proxy, http_proxy: '' }), 0],
  ['all_proxy of another kind', () => ({ all_proxy: 'socks5h://127.0.0.1:1' }), 0],
  ['HTTP_PROXY, and NO_PROXY', (proxy) => ({ HTTP_PROXY: proxy, NO_PROXY: '127.0.0.1' }), 0],
])('With %s in the environment so many requests go through it', async (_, environment, count) => {
  await using mirror = await startMirror({ a: 'a' })
  await using proxy = await startProxy()
  const { http } = makeContext({}, environment(proxy.url))
  expect((await http.text(`${mirror.url}/a`)).body).toBe('a')
  await http.close()
  expect(proxy.requests).toHaveLength(count)
})

test('A proxy that is down is named in the error, without its password', async () => {
  await using proxy = await startProxy()
  const url = new URL(proxy.url)
  await proxy[Symbol.asyncDispose]()
  Object.assign(url, { username: 'me', password: 'secret' })
  const http = createHttp({
    mirror: undefined,
    offline: false,
    proxy: { ...none, http: url.href },
    timeouts: { retryMs: 1 },
  })
  for (const scheme of ['http', 'https']) {
    const { code, message } = await errorOf(http.text(`${scheme}://publisher.example/a`))
    expect(code).toBe('NETWORK')
    expect(message).toContain(`ECONNREFUSED ${url.host}, through the proxy ${proxy.url};`)
    expect(message).not.toContain('secret')
  }
})

test('A proxy gets the name and password of its address, for plain requests and for tunnels', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await using proxy = await startProxy()
  const address = proxy.url.replace('://', '://me:s%3Acret@')
  const http = createHttp({
    mirror: undefined,
    offline: false,
    proxy: { ...none, http: address },
    timeouts: { retryMs: 1 },
  })
  await http.text(`${mirror.url}/a`)
  await errorOf(http.text(mirror.url.replace('http:', 'https:'))) // speaks no TLS
  const right = `Basic ${Buffer.from('me:s:cret').toString('base64')}`
  expect(new Set(proxy.authorizations)).toEqual(new Set([right]))
  expect(proxy.requests.map((request) => request.split(' ')[0])).toContain('CONNECT')
})

test('A proxy of the environment that was not handed over is not used', async () => {
  await using mirror = await startMirror({ a: 'a' })
  await using proxy = await startProxy()
  const script = `
    import { createHttp } from '${new URL('../../src/http/http.ts', import.meta.url).href}'
    const http = createHttp({ mirror: undefined, offline: false, proxy: {} })
    console.log((await http.text('${mirror.url}/a')).body)
  `
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const env = { ...process.env, HTTP_PROXY: proxy.url, http_proxy: proxy.url }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  expect([stdout.trim(), proxy.requests]).toEqual(['a', []])
})
