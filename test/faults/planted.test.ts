/** Things that somebody put where the cache has its own: links, files in place of directories, files inside a lock. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { type Context, makeContext } from '../../src/context.js'
import { openVmImage } from '../../src/image/open.js'
import {
  cacheLayout,
  type CacheLayout,
  imageDirectory,
  keptDirectory,
  lockOwnerPath,
  lockPath,
  overlayRuns,
} from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { sweepOrphans } from '../../src/store/orphans.js'
import { nobody } from '../../src/store/owner.js'
import { ensureCache, ensureOverlayDirectories } from '../../src/store/root.js'
import { acme, startPublisher } from '../support/publisher.js'
import { tempDir } from '../support/temp-dir.js'

const image = smallQcow2('acme 1')
const key = `sha256-${createHash('sha256').update(image).digest('hex')}`
const longAgo = new Date(Date.now() - 3_600_000)

/** A new cache, and a directory beside it with a file that nobody may touch. */
function prepare(directory: string): { readonly layout: CacheLayout; readonly precious: string } {
  const layout = cacheLayout(join(directory, 'cache'))
  ensureCache(layout)
  const precious = join(directory, 'precious')
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), 'precious')
  return { layout, precious }
}

function expectUntouched(precious: string): void {
  expect(readdirSync(precious)).toEqual(['file'])
  expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('precious')
}

test('fault 41, the place of a download is a symbolic link: it is refused, and nothing is written where it leads', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { layout, precious } = prepare(publisher.directory)
  symlinkSync(precious, join(layout.ingest, key))
  await expect(openVmImage({ provider: acme }, publisher.options)).rejects.toMatchObject({
    code: 'CACHE_UNSAFE',
    message: expect.stringMatching(/symbolic link[^]*\nRemove the link/),
  })
  expectUntouched(precious)
})

test('fault 41, the place of an image is a symbolic link: the image takes its place, and what it led to stays', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { layout, precious } = prepare(publisher.directory)
  symlinkSync(precious, imageDirectory(layout, key))
  await using opened = await openVmImage({ provider: acme }, publisher.options)
  expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
  expect(lstatSync(imageDirectory(layout, key)).isDirectory()).toBe(true)
  expectUntouched(precious)
})

test('fault 41, small files of the cache are symbolic links: they are replaced, and not written through', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { layout, precious } = prepare(publisher.directory)
  const target = join(precious, 'file')
  rmSync(join(layout.cacheDir, 'CACHEDIR.TAG'))
  for (const path of [join(layout.cacheDir, 'CACHEDIR.TAG'), lockOwnerPath(layout, key)])
    symlinkSync(target, path)
  await using opened = await openVmImage({ provider: acme }, publisher.options)
  expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
  expectUntouched(precious)
})

test.each<[string, (context: Context) => string]>([
  ['the leases of a run', ({ cacheDir }) => cacheLayout(cacheDir).runs],
  ['the overlays of a run', ({ overlayDir }) => overlayRuns(overlayDir)],
  ['a kept disk', ({ overlayDir }) => keptDirectory(overlayDir)],
])(
  'fault 41, a link has the name of what a dead process left: it is swept, and what it leads to stays (%s)',
  async (_, parentOf) => {
    await using dir = await tempDir()
    const { layout, precious } = prepare(dir.path)
    const context = makeContext({ cacheDir: layout.cacheDir, overlayDir: join(dir.path, 'overlays') }, {})
    ensureOverlayDirectories(context.overlayDir)
    const parent = parentOf(context)
    symlinkSync(precious, join(parent, nobody()))
    sweepOrphans(context)
    expect(readdirSync(parent)).toEqual([])
    expectUntouched(precious)
  },
)

test.each<[string, (path: string, precious: string) => void]>([
  ['a file', (path) => writeFileSync(path, 'no lock')],
  ['a link', (path, precious) => symlinkSync(precious, path)],
  [
    'a lock with a file in it',
    (path) => {
      mkdirSync(path)
      writeFileSync(join(path, 'file'), '')
    },
  ],
])(
  'fault 11, 41, something else has the name of a lock: it goes out of the way like a lock without a heartbeat (%s)',
  async (_, plant) => {
    await using dir = await tempDir()
    const { layout, precious } = prepare(dir.path)
    const path = lockPath(layout, 'k')
    plant(path, precious)
    utimesSync(path, longAgo, longAgo)
    const ran: string[] = []
    const wait = { isDone: () => false, onWait: () => undefined, signal: new AbortController().signal }
    await withLock(layout, 'k', wait, async () => void ran.push('ran'))
    expect([ran, existsSync(path), readdirSync(layout.trash)]).toEqual([['ran'], false, []])
    expectUntouched(precious)
  },
)

test('fault 11, somebody puts a file into a lock that is held: the lock goes when it is given back', async () => {
  await using dir = await tempDir()
  const { layout } = prepare(dir.path)
  const wait = { isDone: () => false, onWait: () => undefined, signal: new AbortController().signal }
  await withLock(layout, 'k', wait, async () => writeFileSync(join(lockPath(layout, 'k'), 'file'), ''))
  expect(existsSync(lockPath(layout, 'k'))).toBe(false)
})
