import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMirror } from '../support/mirror.js'
import { certificate } from '../support/mirror-certificate.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'

/** What a process that believes the mirror's certificate, or does not, says of `url`: its text, or the code of the error. */
async function ask(url: string, { isTrusted = true } = {}): Promise<string> {
  await using directory = await tempDir()
  const file = join(directory.path, 'certificate.pem')
  await writeFile(file, certificate)
  const code = `
    const { createHttp } = await source('http/http.ts')
    const http = createHttp({ mirror: undefined, offline: false, proxy: {}, timeouts: { retryMs: 1 } })
    const found = await http.text('${url}').then(({ body }) => body, ({ code }) => code)
    console.log('found ' + found)
    await http.close()
  `
  await using worker = startWorker(code, { NODE_EXTRA_CA_CERTS: isTrusted ? file : '' })
  return (await worker.line(/^found /)).slice('found '.length)
}

test('fault 32, a redirect leads from https to http: it is refused, and nothing is asked there', async () => {
  await using plain = await startMirror({ SHA256SUMS: 'whatever' })
  await using mirror = await startMirror({}, { protocol: 'https' })
  mirror.fail('/SHA256SUMS', { status: 302, headers: { location: `${plain.url}/SHA256SUMS` } }, Infinity)
  expect(await ask(`${mirror.url}/SHA256SUMS`)).toBe('INSECURE_REDIRECT')
  expect([mirror.requests.length, plain.requests.length]).toEqual([1, 0])
})

test('A redirect from https to https is followed', async () => {
  await using mirror = await startMirror({ a: 'over TLS' }, { protocol: 'https' })
  mirror.fail('/b', { status: 302, headers: { location: '/a' } })
  expect(await ask(`${mirror.url}/b`)).toBe('over TLS')
})

test('A redirect from http to https is followed', async () => {
  await using mirror = await startMirror({ a: 'over TLS' }, { protocol: 'https' })
  await using plain = await startMirror({})
  plain.fail('/a', { status: 301, headers: { location: `${mirror.url}/a` } })
  expect(await ask(`${plain.url}/a`)).toBe('over TLS')
})

test('A server whose certificate nobody vouches for is not believed', async () => {
  await using mirror = await startMirror({ a: 'over TLS' }, { protocol: 'https' })
  expect(await ask(`${mirror.url}/a`, { isTrusted: false })).toBe('NETWORK')
  expect(mirror.requests).toEqual([])
})
