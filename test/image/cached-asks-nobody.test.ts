/** Cached means: nobody is asked, by whatever way and word, in whatever process, with the publisher on or off. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import type { ImageInput } from '../../src/request/request.js'
import { startRun } from '../../src/run/run.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { startWorker } from '../support/worker.js'

const image = smallQcow2('acme 1')
const packed = execFileSync('xz', ['-c'], { input: image })
const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const url = 'https://acme.example.org/1/acme-1.x86_64.qcow2'

let publisher: Publisher
/** Stands where the publisher was: whoever is asked here counts. */
let silent: Server
let connections = 0

const inputs: readonly [string, () => ImageInput][] = [
  ['a name', () => ({ provider: acme })],
  ['a name and a version', () => ({ provider: acme, version: '1' })],
  ['a URL', () => ({ url, minimumTrust: 'unverified' })],
  ['a URL with a digest', () => ({ url, checksum: sha256(image) })],
  ['a name with a digest', () => ({ provider: acme, checksum: sha256(image) })],
  ['a file', () => ({ path: join(publisher.directory, 'disk.qcow2') })],
  ['a packed file', () => ({ path: join(publisher.directory, 'disk.qcow2.xz') })],
]

beforeAll(async () => {
  publisher = await startPublisher({ '1': image })
  writeFileSync(join(publisher.directory, 'disk.qcow2'), image)
  writeFileSync(join(publisher.directory, 'disk.qcow2.xz'), packed)
  for (const [, input] of inputs) await (await openVmImage(input(), publisher.options)).dispose()
  await publisher.mirror[Symbol.asyncDispose]()
  silent = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  silent.listen(Number(new URL(publisher.mirror.url).port), '127.0.0.1')
  await once(silent, 'listening')
})

afterAll(async () => {
  silent.close()
  await publisher[Symbol.asyncDispose]()
})

describe('what is cached is had without a single connection', () => {
  test.each(inputs)('%s, by openVmImage()', async (_, input) => {
    await using opened = await openVmImage(input(), publisher.options)
    expect(opened.virtualSizeBytes).toBe(4 * 1024 ** 2)
    expect(connections).toBe(0)
  })

  test('all of them, by the global setup of a test run', async () => {
    const context = publisher.context()
    const run = await startRun({ images: inputs.map(([, input]) => input()), strict: true }, context)
    expect(Object.keys(run.info.images)).toHaveLength(inputs.length)
    run.close()
    await context.http.close()
    expect(connections).toBe(0)
  })

  test('all of them, by the fetch command, in a process that knows nothing of the first', async () => {
    const others = inputs.slice(2).map(([, input]) => {
      const { provider, ...words } = Object(input())
      return provider === undefined ? words : { name: 'acme', ...words }
    })
    await using worker = startWorker(`
      const { imageProviders } = await source('providers/index.ts')
      const { defineProvider } = await source('providers/provider.ts')
      const { fetchCommand } = await source('cli/fetch.ts')
      imageProviders.add(defineProvider({
        name: 'acme',
        versionsUrl: 'https://acme.example.org/',
        imagesUrl: 'https://acme.example.org/{version}/',
        imagePattern: 'acme-{version}.{arch}.qcow2',
      }))
      const options = { ...${JSON.stringify({ ...publisher.options, report: undefined, json: true })}, signal: new AbortController().signal }
      const images = ['acme', 'acme:1', ...${JSON.stringify(others)}]
      // The images of the configuration may be more than names.
      await fetchCommand.action([], options, { images, providers: [], options: {} })
      console.log('done')
    `)
    await worker.line(/^done/)
    expect(worker.output().match(/"path"/g)).toHaveLength(inputs.length)
    expect(connections).toBe(0)
  })

  test('and what is not cached does ask: the server that counts is there', async () => {
    await expect(openVmImage({ provider: acme, version: '2' }, publisher.options)).rejects.toMatchObject({
      code: 'NETWORK',
    })
    expect(connections).toBeGreaterThan(0)
  })
})
