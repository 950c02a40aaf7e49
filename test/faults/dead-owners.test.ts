/** What the dead leave, in the forms that a fuzz meets too seldom: set up by hand, and met by the real thing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openVmImage } from '../../src/image/open.js'
import { defineProvider } from '../../src/providers/index.js'
import { cacheLayout, ingestDirectory, lockPath } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { newOwner } from '../../src/store/owner.js'
import { ensureCache } from '../../src/store/root.js'
import { startMirror } from '../support/mirror.js'
import { etagOf } from '../support/mirror-tree.js'
import { tempDir } from '../support/temp-dir.js'
import { compileChildren } from './compile-children.js'
import { definitions } from './fault-images.js'
import { faultSite } from './fault-site.js'
import { brokenInvariants } from './invariants.js'

const site = faultSite(8 * 65_536)
const { key, sha256, bytes, path } = site.images.plain

/** Its heartbeat ended half a minute ago. */
function makeStale(lock: string): void {
  const then = new Date(Date.now() - 31_000)
  utimesSync(lock, then, then)
}

test('fault 13, eight processes meet one stale lock: each gets the image, and no byte is wrong', async () => {
  await using directory = await tempDir()
  await using mirror = await startMirror(site.files)
  const children = join(directory.path, 'children')
  const stage = { cacheDir: join(directory.path, 'cache'), overlayDir: join(directory.path, 'overlays') }
  const layout = cacheLayout(stage.cacheDir)
  await compileChildren(children, ['crash-points-child', 'fault-images'])
  ensureCache(layout)
  mkdirSync(lockPath(layout, key))
  makeStale(lockPath(layout, key))
  const outputs = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const args = [join(children, 'crash-points-child.js'), 'fetch-plain', directory.path, mirror.url]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
      return JSON.parse(output) as unknown
    }),
  )
  expect(outputs).toEqual(Array.from({ length: 8 }, () => ({ base: sha256, backing: true })))
  expect(brokenInvariants(stage)).toEqual([])
  expect(readdirSync(layout.locks).filter((name) => name.endsWith('.lock'))).toEqual([])
}, 60_000)

test('fault 15, a reboot left a download that ends in zeros: it is found out, and fetched from byte 0', async () => {
  await using directory = await tempDir()
  await using mirror = await startMirror(site.files)
  const stage = { cacheDir: join(directory.path, 'cache'), overlayDir: join(directory.path, 'overlays') }
  const layout = cacheLayout(stage.cacheDir)
  ensureCache(layout)
  // The machine is this one, and the boot is not.
  const owner = newOwner().replace(/^([0-9a-f]{8})-[0-9a-f]{8}/, '$1-0b00710b')
  const ingest = ingestDirectory(layout, key, owner)
  mkdirSync(ingest, { recursive: true })
  const half = Buffer.from(bytes.subarray(0, bytes.length / 2))
  writeFileSync(join(ingest, 'part'), half.fill(0, half.length - 100_000))
  const state = { url: `https:/${path}`, validator: etagOf(bytes), totalBytes: bytes.length }
  writeFileSync(join(ingest, 'state.json'), JSON.stringify(state))
  const provider = defineProvider(definitions.plain)
  await using image = await openVmImage({ provider }, { ...stage, mirror: mirror.url, arch: 'x86_64' })
  expect(readFileSync(image.baseImage).equals(bytes)).toBe(true)
  const asked = mirror.requests.filter((request) => request.path === path).map(({ range }) => range)
  expect(asked).toEqual([`bytes=${half.length}-`, undefined])
  expect(brokenInvariants(stage)).toEqual([])
})

test('fault 7, a thread is terminated while it holds the lock: the end of its heartbeat frees it', async () => {
  await using directory = await tempDir()
  const layout = cacheLayout(directory.path)
  const children = join(directory.path, 'children')
  await compileChildren(children, ['takeover-child'])
  const thread = new Worker(join(children, 'takeover-child.js'), {
    argv: [directory.path],
    stdout: true,
  })
  await once(thread.stdout, 'data')
  await thread.terminate()
  // Its process lives, so that nobody can call the owner dead.
  expect(statSync(lockPath(layout, 'k')).isDirectory()).toBe(true)
  makeStale(lockPath(layout, 'k'))
  const ran: string[] = []
  const wait = { isDone: () => false, onWait: () => undefined, signal: new AbortController().signal }
  await withLock(layout, 'k', wait, async () => void ran.push('took over'))
  expect(ran).toEqual(['took over'])
})
