/** The collector on real caches: what is held, by whom, and what happens when somebody comes in between. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  collectCache,
  collectDaily,
  planCache,
  readCachedImages,
  removeImages,
} from '../../src/store/collect.js'
import { holderText } from '../../src/store/holder-text.js'
import { diskPath, imageDirectory, keptDirectory, leasePath } from '../../src/store/layout.js'
import { touchImage } from '../../src/store/last-use.js'
import { dropLease, markKept, takeLease } from '../../src/store/lease.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { rememberResolution } from '../../src/store/resolutions.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { type CacheOfImages, cacheOfImages, dayMs, keyOf } from '../support/cached-images.js'
import { becomeNobody, giveToNobody, isRoot, showToAll } from '../support/nobody.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { startWorker } from '../support/worker.js'

const everything = { all: true }
const noMounts = 'this system lets nobody but root mount in a namespace (unshare -rm)'
const notRoot = 'only root can make a directory that belongs to somebody else'

/** Every entry of a directory with all that a change of it would show. */
function treeOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { ino, size, mtimeMs, nlink, mode } =
        statSync(join(directory, name), { throwIfNoEntry: false }) ?? {}
      return [name, ino, size, mtimeMs, nlink, mode].join(' ')
    })
}

function namesOf(tree: readonly string[]) {
  return tree.map((entry) => entry.split(' ')[0])
}

/** What `code` prints in a process of a user that has to heed the modes of files, whose the cache is. */
async function asUser(cache: CacheOfImages, code: string): Promise<string> {
  const { cacheDir, overlayDir } = cache.context
  await using worker = startWorker(`
    const { chmodSync } = await import('node:fs')
    const { makeContext } = await source('context.ts')
    const { collectCache, collectDaily } = await source('store/collect.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { listImages } = await source('store/store.ts')
    ${isRoot ? becomeNobody : ''}
    const context = makeContext(${JSON.stringify({ cacheDir, overlayDir })}, {})
    ${code}`)
  return await worker.line(/^said/)
}

/** Which images that user removes with all, after it has run `prepare`. */
async function collectedByUser(cache: CacheOfImages, prepare: string): Promise<unknown> {
  if (isRoot) giveToNobody(cache.directory)
  const said = await asUser(
    cache,
    `${prepare}
    const { go, stay } = await collectCache(context, { all: true })
    console.log('said ' + JSON.stringify({ go: go.map(({ image }) => image.key), stay: stay.map(({ image, why }) => [image.key, why]) }))`,
  )
  return JSON.parse(said.slice('said '.length))
}

describe('collectCache()', () => {
  test('removes the least recently used images, counted in blocks of the disk', async () => {
    await using cache = await cacheOfImages()
    const [old, holes, young] = [
      cache.publish('old', 9),
      cache.publish('holes', 8),
      cache.publish('young', 7),
    ]
    // 10 MiB to look at, 64 KiB on the disk.
    truncateSync(diskPath(cache.layout, holes), 10 * 2 ** 20)
    const collected = await collectCache(cache.context, { maxBytes: 130 * 1024 })
    expect(collected?.go.map(({ image }) => image.key)).toEqual([old])
    expect(collected?.freedBytes).toBe(64 * 1024)
    expect(readdirSync(cache.layout.images).toSorted()).toEqual([holes, young].toSorted())
    expect(readdirSync(cache.layout.trash)).toEqual([])
    expect(readdirSync(cache.layout.locks)).toEqual([])
  })

  test('removes what nobody used for too long', async () => {
    await using cache = await cacheOfImages()
    cache.publish('old', 31)
    const young = cache.publish('young', 29)
    await collectCache(cache.context, { maxAgeMs: 30 * dayMs })
    expect(readdirSync(cache.layout.images)).toEqual([young])
  })

  test('a lease keeps an image, and says who holds it', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('leased')
    await using run = await openRunDirectory(cache.context)
    takeLease(cache.layout, run.leaseDir, key)
    const collected = await collectCache(cache.context, everything)
    expect(collected?.stay).toMatchObject([{ why: 'held', image: { holders: [{ kind: 'process' }] } }])
    const [holder] = collected?.stay[0]?.image.holders ?? []
    expect(holder && holderText(holder, Date.now())).toMatch(
      new RegExp(`^process ${process.pid} since \\d\\d:\\d\\d \\(project ${process.cwd()}\\)$`),
    )
    dropLease(String(run.leaseDir), key)
    await collectCache(cache.context, everything)
    expect(readdirSync(cache.layout.images)).toEqual([])
  })

  test('fault 42, there can be no hard link to the run: its mark keeps the image as well', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('marked')
    await using run = await openRunDirectory(cache.context)
    writeFileSync(join(String(run.leaseDir), `base-${key}.lease`), '')
    expect((await collectCache(cache.context, everything))?.stay).toMatchObject([{ why: 'held' }])
    expect(existsSync(diskPath(cache.layout, key))).toBe(true)
  })

  test('the mark of a dead run keeps nothing', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('marked')
    const dead = join(cache.layout.runs, nobody())
    mkdirSync(dead)
    writeFileSync(join(dead, `base-${key}.lease`), '')
    expect((await collectCache(cache.context, everything))?.go).toHaveLength(1)
  })

  test('a kept disk keeps its base when the run is dead, and says of which test it is', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('kept')
    const dead = join(cache.layout.runs, nobody())
    const kept = join(keptDirectory(cache.context.overlayDir), 'boots-1')
    for (const directory of [dead, kept]) mkdirSync(directory)
    linkSync(diskPath(cache.layout, key), leasePath(dead, key))
    markKept(dead, kept)
    const note = { test: 'boots.test.ts > boots', images: [{ baseImage: leasePath(dead, key) }] }
    writeFileSync(join(kept, 'note.json'), JSON.stringify(note))
    const collected = await collectCache(cache.context, everything)
    expect(collected?.stay[0]?.image.holders.map((holder) => holderText(holder, 0))).toEqual([
      `kept disk of "boots.test.ts > boots", ${kept}`,
    ])
    rmSync(kept, { recursive: true })
    const after = await collectCache(cache.context, everything)
    expect(after).toMatchObject({ go: [{ why: 'all' }], swept: [{ kind: 'run', path: dead }] })
  })

  test("a hard link of the user's own keeps the image, and it is said that nobody explains it", async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('linked')
    linkSync(diskPath(cache.layout, key), join(cache.directory, 'mine'))
    const collected = await collectCache(cache.context, everything)
    expect(collected?.stay[0]?.image.holders).toEqual([{ kind: 'links', count: 1 }])
  })

  test('a lease of an older file of the same name does not hold the new one', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('replaced')
    await using run = await openRunDirectory(cache.context)
    takeLease(cache.layout, run.leaseDir, key)
    rmSync(imageDirectory(cache.layout, key), { recursive: true })
    cache.publish('replaced')
    expect((await collectCache(cache.context, everything))?.go).toHaveLength(1)
    expect(readFileSync(leasePath(String(run.leaseDir), key), 'latin1')).toMatch(/^replaced/)
  })

  test('an image that was fetched a moment ago stays', async () => {
    await using cache = await cacheOfImages()
    cache.publish('fresh', 0)
    expect((await collectCache(cache.context, everything))?.stay).toMatchObject([{ why: 'young' }])
  })

  test('fault 44, there are files of another version: names that it does not know stay', async () => {
    await using cache = await cacheOfImages()
    const strangers = [
      'images/blake3-aa',
      'images/sha256-half',
      'run/someone',
      'ingest/k/x',
      'trash/mine',
      '../v2/images/a',
    ]
    for (const name of strangers) mkdirSync(join(cache.layout.versionDir, name), { recursive: true })
    writeFileSync(join(cache.layout.locks, 'a.file'), '')
    writeFileSync(join(cache.layout.resolved, 'x.json.y'), '')
    const before = treeOf(cache.context.cacheDir)
    const collected = await collectCache(cache.context, everything)
    expect(collected).toMatchObject({ go: [], swept: [] })
    expect(namesOf(treeOf(cache.context.cacheDir))).toEqual(namesOf(before))
  })

  test('planCache() changes nothing', async () => {
    await using cache = await cacheOfImages()
    cache.publish('a', 40)
    cache.publish('b', 2)
    mkdirSync(join(cache.layout.trash, nobody()))
    const before = treeOf(cache.directory)
    expect(planCache(cache.context, everything).go).toHaveLength(2)
    expect(treeOf(cache.directory)).toEqual(before)
  })

  test('one collector is enough: the second leaves at once, and a dead one blocks nobody', async () => {
    await using cache = await cacheOfImages()
    cache.publish('a')
    const lock = join(cache.layout.locks, 'gc')
    writeFileSync(lock, newOwner())
    expect(await collectCache(cache.context, everything)).toBeUndefined()
    expect(readdirSync(cache.layout.images)).toHaveLength(1)
    writeFileSync(lock, nobody())
    expect((await collectCache(cache.context, everything))?.go).toHaveLength(1)
    expect(existsSync(lock)).toBe(false)
  })

  test('a lock file without a name blocks for half a minute, one of a stranger for an hour', async () => {
    await using cache = await cacheOfImages()
    const lock = join(cache.layout.locks, 'gc')
    const collectsAfter = async (text: string, seconds: number) => {
      writeFileSync(lock, text)
      utimesSync(lock, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds)
      return (await collectCache(cache.context, everything)) !== undefined
    }
    const stranger = newOwner().replace(/^.{8}/, '00000000')
    expect([await collectsAfter('', 0), await collectsAfter('', 40)]).toEqual([false, true])
    expect([await collectsAfter(stranger, 40), await collectsAfter(stranger, 3700)]).toEqual([false, true])
  })

  test('fault 35, the disk has no room for the name of the collector: it collects, and leaves no lock', async ({
    skip,
  }) => {
    skip(!canUnshare, noMounts)
    await using dir = await tempDir()
    const said = await runUnshared(
      `mount -t tmpfs -o size=64k tmpfs '${dir.path}'`,
      `const { existsSync, writeFileSync } = await import('node:fs')
      const { asOnlyCollector, collectorLockPath } = await source('store/collector-lock.ts')
      const { cacheLayout } = await source('store/layout.ts')
      const { ensureCache } = await source('store/root.ts')
      const layout = cacheLayout(${JSON.stringify(dir.path)})
      ensureCache(layout)
      let filled
      try { writeFileSync(layout.cacheDir + '/filler', Buffer.alloc(65536)) } catch (error) { filled = error.code }
      const collected = await asOnlyCollector(layout, Date.now(), async () => 'collected')
      console.log(filled, collected, existsSync(collectorLockPath(layout)))`,
    )
    expect(said).toBe('ENOSPC collected false')
  })

  test('fault 43, somebody leases between the plan and the act: the image stays', async () => {
    await using cache = await cacheOfImages()
    const [leased, free] = [cache.publish('leased'), cache.publish('free')]
    await using run = await openRunDirectory(cache.context)
    const plan = planCache(cache.context, everything)
    takeLease(cache.layout, run.leaseDir, leased)
    const removed = await removeImages(cache.context, plan)
    expect(removed.go.map(({ image }) => image.key)).toEqual([free])
    expect(removed.stay).toMatchObject([{ why: 'held', image: { holders: [{ kind: 'process' }] } }])
  })

  test('fault 35, what the dead left takes the room that is wanted: it is swept, and the images stay', async ({
    skip,
  }) => {
    skip(!canUnshare, noMounts)
    await using dir = await tempDir()
    const said = await runUnshared(
      `mount -t tmpfs -o size=64m tmpfs '${dir.path}'`,
      `const { writeFileSync } = await import('node:fs')
      const { cacheOfImages } = await source('../test/support/cached-images.ts')
      const { collectCache } = await source('store/collect.ts')
      const { nobody } = await source('store/owner.ts')
      const cache = await cacheOfImages({}, ${JSON.stringify(dir.path)})
      cache.publish('a')
      writeFileSync(cache.layout.trash + '/' + nobody(), Buffer.alloc(2 ** 20))
      const first = await collectCache(cache.context, { freeBytes: 2 ** 20 })
      const second = await collectCache(cache.context, { freeBytes: 2 ** 10 })
      console.log([first, second].map(({ go, freedBytes }) => go.length + ' ' + freedBytes).join(', '))`,
    )
    expect(said).toBe(`0 ${2 ** 20}, 1 ${2 ** 16}`)
  })

  test('an image that cannot be moved stays, and the others go', async () => {
    await using cache = await cacheOfImages()
    const [stuck, free] = [cache.publish('stuck', 9), cache.publish('free', 8)]
    const directory = imageDirectory(cache.layout, stuck)
    const said = await collectedByUser(cache, `chmodSync(${JSON.stringify(directory)}, 0o555)`)
    expect(said).toEqual({ go: [free], stay: [[stuck, 'unremovable']] })
    chmodSync(directory, 0o755)
  })

  test('an image that cannot be read is passed over', async () => {
    await using cache = await cacheOfImages()
    const [hidden, free] = [cache.publish('hidden', 9), cache.publish('free', 8)]
    const directory = imageDirectory(cache.layout, hidden)
    const said = await collectedByUser(
      cache,
      `chmodSync(${JSON.stringify(directory)}, 0)
      const { length } = listImages(cacheLayout(context.cacheDir))
      if (length !== 1) throw new TypeError(length + ' images are listed')`,
    )
    chmodSync(directory, 0o755)
    expect(said).toEqual({ go: [free], stay: [] })
  })

  test('what a user has imported goes with all, and for nothing else', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('imported', 40)
    const { meta } = readCachedImages(cache.context)[0] ?? {}
    const asked = { request: 'r', key, digest: 'sha256:00', resolvedAt: 0, isImported: true }
    rememberResolution(cache.layout, { ...Object(meta), ...asked })
    const limited = await collectCache(cache.context, { maxAgeMs: dayMs, maxBytes: 0, freeBytes: 1 })
    expect(limited?.stay).toMatchObject([{ why: 'imported', image: { key } }])
    expect((await collectCache(cache.context, everything))?.go).toHaveLength(1)
  })

  test('fault 39, the cache belongs to another user: nothing is removed, and the error says whose it is', async ({
    skip,
  }) => {
    skip(!isRoot, notRoot)
    await using cache = await cacheOfImages()
    cache.publish('theirs')
    giveToNobody(cache.directory)
    showToAll(cache.directory)
    await using worker = startWorker(`
      const { makeContext } = await source('context.ts')
      const { collectCache } = await source('store/collect.ts')
      process.setgroups([]); process.setgid(1234); process.setuid(1234)
      const context = makeContext(${JSON.stringify({ cacheDir: cache.context.cacheDir, overlayDir: cache.context.overlayDir })}, {})
      await collectCache(context, { all: true }).then(() => console.log('collected'), (error) => console.log('code ' + error.code))`)
    expect(await worker.line(/^code|collected/)).toBe('code CACHE_UNSAFE')
    expect(readdirSync(cache.layout.images)).toHaveLength(1)
  })
})

describe('last use', () => {
  test('is renewed once an hour', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('used', 3)
    const usedAt = () => statSync(imageDirectory(cache.layout, key)).mtimeMs
    touchImage(cache.layout, key)
    const first = usedAt()
    expect(Date.now() - first).toBeLessThan(600_000)
    touchImage(cache.layout, key)
    expect(usedAt()).toBe(first)
    expect(readCachedImages(cache.context)[0]?.lastUsedAt).toBe(first)
  })
})

test('last use is renewed in the image of another member of a group as well', async ({ skip }) => {
  skip(!isRoot, 'only root can be two other users')
  await using cache = await cacheOfImages()
  const directory = imageDirectory(cache.layout, cache.publish('used', 3))
  showToAll(cache.directory)
  chownSync(directory, 64_001, 64_100)
  chmodSync(directory, 0o2775)
  await using worker = startWorker(`
    const { touchImage } = await source('store/last-use.ts')
    const { cacheLayout } = await source('store/layout.ts')
    process.setgroups([64100]); process.setgid(64002); process.setuid(64002)
    touchImage(cacheLayout(${JSON.stringify(cache.context.cacheDir)}, true), ${JSON.stringify(keyOf('used'))})
    console.log('touched')`)
  await worker.line(/^touched/)
  expect(Date.now() - statSync(directory).mtimeMs).toBeLessThan(600_000)
  expect(readdirSync(directory).toSorted()).toEqual(['disk', 'meta.json'])
})

describe('collectDaily()', () => {
  test('writes down that it was there where another member of the group did so before', async ({ skip }) => {
    skip(!isRoot, notRoot)
    await using cache = await cacheOfImages()
    const stamp = join(cache.layout.versionDir, 'collected')
    giveToNobody(cache.directory)
    // Of root, whose file it is then.
    writeFileSync(stamp, '', { mode: 0o644 })
    utimesSync(stamp, 1, 1)
    const said = await asUser(
      cache,
      `await collectDaily({ ...context, report: (event) => console.log('said ' + JSON.stringify(event)) })
      console.log('said nothing')`,
    )
    expect(said).toBe('said nothing')
    expect(Date.now() - statSync(stamp).mtimeMs).toBeLessThan(600_000)
    expect(readdirSync(cache.layout.versionDir).filter((name) => name.startsWith('coll'))).toEqual([
      'collected',
    ])
  })

  test('collects within the limits of the context, says so, and not again that day', async () => {
    await using cache = await cacheOfImages({ maxCacheSize: 100 * 1024 })
    cache.publish('a', 3)
    cache.publish('b', 2)
    await collectDaily(cache.context)
    expect(cache.events).toEqual([{ type: 'collected', images: ['a 1'], freedBytes: 64 * 1024 }])
    cache.publish('c', 4)
    await collectDaily(cache.context)
    expect(readdirSync(cache.layout.images)).toEqual([keyOf('b'), keyOf('c')].toSorted())
    const tomorrow = { ...cache.context, now: () => Date.now() + dayMs }
    await collectDaily(tomorrow)
    expect(readdirSync(cache.layout.images)).toEqual([keyOf('b')])
  })

  test('does nothing when it is switched off', async () => {
    await using cache = await cacheOfImages({ maxCacheSize: 1, collect: false })
    cache.publish('a', 3)
    await collectDaily(cache.context)
    expect(readdirSync(cache.layout.images)).toHaveLength(1)
  })

  test('fails no run: what is wrong is a warning', async () => {
    await using cache = await cacheOfImages({ maxCacheSize: 1 })
    cache.publish('a', 3)
    rmSync(cache.layout.trash, { recursive: true })
    symlinkSync(cache.directory, cache.layout.trash)
    await collectDaily(cache.context)
    expect(cache.events).toMatchObject([
      { type: 'warning', message: expect.stringContaining('symbolic link') },
    ])
    expect(readlinkSync(cache.layout.trash)).toBe(cache.directory)
  })
})

test('fault 42, leases are on another file system: a mark is written, and the collector leaves the image', async ({
  skip,
}) => {
  await using dir = await tempDir()
  const isElsewhere = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(dir.path).dev
  skip(!isElsewhere, 'this system has no second file system (/dev/shm) to link to')
  await using cache = await cacheOfImages({}, dir.path)
  const key = cache.publish('marked')
  const elsewhere = mkdtempSync('/dev/shm/vmimage-test-')
  try {
    const leaseDir = join(elsewhere, newOwner())
    mkdirSync(leaseDir)
    rmSync(cache.layout.runs, { recursive: true })
    symlinkSync(elsewhere, cache.layout.runs)
    expect(takeLease(cache.layout, leaseDir, key)).toBe(diskPath(cache.layout, key))
    const plan = planCache(cache.context, everything)
    expect(plan.stay).toMatchObject([{ why: 'held', image: { holders: [{ kind: 'process' }] } }])
    dropLease(leaseDir, key)
    const late = planCache(cache.context, everything)
    takeLease(cache.layout, leaseDir, key)
    expect((await removeImages(cache.context, late)).go).toEqual([])
    expect(existsSync(diskPath(cache.layout, key))).toBe(true)
  } finally {
    rmSync(elsewhere, { recursive: true })
  }
})
