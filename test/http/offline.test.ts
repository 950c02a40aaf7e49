import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { createHttp } from '../../src/http/http.js'
import { errorOf } from '../support/error-of.js'

const proxy = { http: undefined, https: undefined, except: undefined }

test('Offline, no socket is opened and the message says what to run', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  let connections = 0
  server.on('connection', () => (connections += 1))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const http = createHttp({ mirror: undefined, offline: true, proxy })
  const url = `http://127.0.0.1:${port}/a`
  for (const asking of [http.text(url), http.stream(url)]) {
    const error = await errorOf(asking)
    expect(error.code).toBe('OFFLINE')
    expect(error.message).toContain(url)
    expect(error.message).toContain('npx vmimage fetch NAME')
  }
  server.close()
  await once(server, 'close')
  expect(connections).toBe(0)
})

test('undici is not loaded before a request is made', () => {
  const script = `
    import { createHttp } from '${new URL('../../src/http/http.ts', import.meta.url).href}'
    const http = createHttp({ mirror: undefined, offline: true, proxy: {} })
    await http.text('https://site.example/').catch(() => {})
    await http.close()
    const { createRequire } = await import('node:module')
    const require = createRequire('${import.meta.url}')
    console.log(Object.keys(require.cache).filter((file) => file.includes('undici')).length)
  `
  const out = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
  expect(out.toString().trim()).toBe('0')
})
