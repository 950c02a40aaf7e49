import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createHttp, type HttpOptions } from '../../src/http/http.js'
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
