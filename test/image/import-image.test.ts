/** Imports that end badly: killed, or without room. What `vmimage import` does otherwise is in test/cli/import.test.ts. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { importImage } from '../../src/image/import-image.js'
import { type NamedRequest, parseRequest } from '../../src/request/request.js'
import { findPrepared } from '../../src/run/prepared.js'
import { cacheLayout } from '../../src/store/layout.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { startWorker } from '../support/worker.js'

const image = smallQcow2('an image of my own')
const fedora44 = parseRequest('fedora:44') as NamedRequest // a name

function fileIn(directory: string): string {
  const file = join(directory, 'disk.qcow2')
  writeFileSync(file, image)
  return file
}

/** Code that imports `file` into `cacheDir`. */
const importing = (file: string, cacheDir: string, report: string) => `
  const { makeContext } = await source('context.ts')
  const { importImage } = await source('image/import-image.ts')
  const { parseRequest } = await source('request/request.ts')
  const context = makeContext({ cacheDir: ${JSON.stringify(cacheDir)}, arch: 'x86_64', report: ${report} }, {})
  await importImage(${JSON.stringify(file)}, parseRequest('fedora:44'), [], context)
    .catch((error) => console.log(error.code, error.message))`

describe('importImage()', () => {
  test('that is killed leaves nothing that the next one does not remove', async () => {
    await using dir = await tempDir()
    const file = fileIn(dir.path)
    const cacheDir = join(dir.path, 'cache')
    const layout = cacheLayout(cacheDir)
    const kill = `({ type }) => type === 'hashing' && process.kill(process.pid, 'SIGKILL')`
    await using worker = startWorker(importing(file, cacheDir, kill))
    expect(await worker.ended()).toMatchObject({ signal: 'SIGKILL' })
    const left = () => readdirSync(layout.ingest).flatMap((key) => readdirSync(join(layout.ingest, key)))
    expect(left()).toHaveLength(1)
    expect(readdirSync(layout.images)).toEqual([])
    const context = makeContext({ cacheDir, arch: 'x86_64' }, {})
    const { stored } = await importImage(file, fedora44, [], context)
    expect(readdirSync(layout.images)).toEqual([stored.key])
    expect(left()).toEqual([])
  })

  test('fault 35, a full disk: says how much it needs, and leaves nothing', async ({ skip }) => {
    skip(!canUnshare, 'this system lets no user unshare')
    await using dir = await tempDir()
    const file = fileIn(dir.path)
    const cacheDir = join(dir.path, 'cache')
    mkdirSync(cacheDir)
    const after = `
      const { readdirSync } = await import('node:fs')
      console.log(readdirSync(${JSON.stringify(cacheDir)}, { recursive: true }).filter((name) => /copy|disk|part/.test(name)))`
    const mount = `mount -t tmpfs -o size=200k small '${cacheDir}'`
    const said = await runUnshared(mount, importing(file, cacheDir, '() => undefined') + after)
    expect(said).toMatch(/^NO_SPACE Cannot write .* left, and it needs 512 KiB more\.\n.*\n\[\]$/)
  })

  test('is not stale to a test, however old it is', async () => {
    await using dir = await tempDir()
    const cacheDir = join(dir.path, 'cache')
    const context = makeContext({ cacheDir, arch: 'x86_64' }, {})
    await importImage(fileIn(dir.path), fedora44, [], { ...context, now: () => 0 })
    const run = {
      overlayDir: dir.path,
      leaseDir: undefined,
      cacheDir,
      extraCacheDirs: [],
      keptDir: dir.path,
      arch: 'x86_64',
      maxResolveAgeMs: 0,
      keep: 'never',
      session: '',
      keepLast: 0,
      keepMaxBytes: 0,
      onUnavailable: 'fail',
      minimumTrust: 'checksum',
      providers: '',
      pinning: { file: undefined, isFrozen: false, pins: {} },
      listed: {},
      images: {},
      errors: {},
    } as const
    expect(findPrepared(fedora44, run, undefined).resolved).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      stale: undefined,
    })
  })

  test('that is ended by its signal leaves nothing', async () => {
    await using dir = await tempDir()
    const cacheDir = join(dir.path, 'cache')
    const ended = new AbortController()
    const report = ({ type }: { readonly type: string }) => void (type === 'hashing' && ended.abort())
    const context = makeContext({ cacheDir, arch: 'x86_64', signal: ended.signal, report }, {})
    await expect(importImage(fileIn(dir.path), fedora44, [], context)).rejects.toThrow('abort')
    const { ingest, images } = cacheLayout(cacheDir)
    expect(readdirSync(images)).toEqual([])
    expect(readdirSync(ingest).flatMap((key) => readdirSync(join(ingest, key)))).toEqual([])
  })
})
