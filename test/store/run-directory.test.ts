import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { markKept } from '../../src/store/lease.js'
import { cacheLayout, diskPath, imageDirectory, keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { ensureCache, ensureOverlayDirectories } from '../../src/store/root.js'
import { openRunDirectory, sweepDeadRuns } from '../../src/store/run-directory.js'
import { becomeNobody, giveToNobody, isRoot, showToAll } from '../support/nobody.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { startWorker } from '../support/worker.js'

const longAgo = new Date(Date.now() - 25 * 3_600_000)
const notRoot = 'only root can make a directory that belongs to somebody else'

const isYoung = (path: string) => statSync(path).mtimeMs > longAgo.getTime()

function contextIn(directory: string) {
  return makeContext({ cacheDir: join(directory, 'cache'), overlayDir: join(directory, 'overlays') }, {})
}

describe('run directory', () => {
  test('openRunDirectory() makes a private place for leases and one for overlays, both gone when disposed', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    const run = await openRunDirectory(context)
    writeFileSync(join(run.overlayDir, 'an-overlay'), '')
    writeFileSync(join(String(run.leaseDir), 'base-k'), '')
    await run[Symbol.asyncDispose]()
    run.removeSync()
    expect(readdirSync(overlayRuns(context.overlayDir))).toEqual([])
    expect(readdirSync(cacheLayout(context.cacheDir).runs)).toEqual([])
  })

  test('fault 6, a run is killed with overlays and leases: the next start removes them, and nothing of the living', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await using alive = await openRunDirectory(context)
    await using worker = startWorker(`
      const { makeContext } = await source('context.ts')
      const { openRunDirectory } = await source('store/run-directory.ts')
      const run = await openRunDirectory(makeContext(${JSON.stringify({ cacheDir: context.cacheDir, overlayDir: context.overlayDir })}, {}))
      console.log('made ' + run.overlayDir)
      setInterval(() => {}, 1000)`)
    const left = (await worker.line(/^made /)).slice('made '.length)
    expect(sweepDeadRuns(context)).toEqual([])
    worker.kill('SIGKILL')
    await worker.ended()
    expect(existsSync(left)).toBe(true)
    expect(sweepDeadRuns(context)).toHaveLength(2)
    expect(existsSync(left)).toBe(false)
    expect(existsSync(alive.overlayDir)).toBe(true)
  })

  test('sweepDeadRuns() keeps the leases of a kept overlay for as long as that is there', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await using _ = await openRunDirectory(context)
    const leaseDir = join(cacheLayout(context.cacheDir).runs, nobody())
    const kept = join(keptDirectory(context.overlayDir), 'a-test-1')
    mkdirSync(leaseDir)
    mkdirSync(kept)
    markKept(leaseDir, kept)
    expect(sweepDeadRuns(context)).toEqual([])
    rmSync(kept, { recursive: true })
    expect(sweepDeadRuns(context)).toEqual([leaseDir])
  })

  test('removeSync() keeps the leases of a kept overlay', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    const run = await openRunDirectory(context)
    markKept(String(run.leaseDir), dir.path)
    run.removeSync()
    expect(existsSync(run.overlayDir)).toBe(false)
    expect(existsSync(String(run.leaseDir))).toBe(true)
  })

  test('sweepDeadRuns() believes only the age of a run that it cannot judge', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await using _ = await openRunDirectory(context)
    const foreign = join(overlayRuns(context.overlayDir), newOwner().replace(/^.{8}/, '00000000'))
    mkdirSync(foreign)
    expect(sweepDeadRuns(context)).toEqual([])
    utimesSync(foreign, longAgo, longAgo)
    expect(sweepDeadRuns(context)).toEqual([foreign])
  })

  test('sweepDeadRuns() does not ask the age of a run whose process lives', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await using run = await openRunDirectory(context)
    for (const path of [run.overlayDir, String(run.leaseDir)]) utimesSync(path, longAgo, longAgo)
    expect(sweepDeadRuns(context)).toEqual([])
    expect(existsSync(run.overlayDir)).toBe(true)
  })

  test('a run tells by itself that it lives, until it is removed', async () => {
    await using dir = await tempDir()
    const removed = await openRunDirectory(contextIn(dir.path), 5)
    removed.removeSync()
    mkdirSync(removed.overlayDir)
    await using run = await openRunDirectory(contextIn(dir.path), 5)
    for (const path of [removed.overlayDir, run.overlayDir, String(run.leaseDir)])
      utimesSync(path, longAgo, longAgo)
    await expect.poll(() => isYoung(run.overlayDir) && isYoung(String(run.leaseDir))).toBe(true)
    expect(isYoung(removed.overlayDir)).toBe(false)
  })

  test('an open run does not keep its process from ending', async () => {
    await using dir = await tempDir()
    await using worker = startWorker(`${openingIn(dir.path)}
      await openRunDirectory(context)`)
    expect(await worker.ended()).toMatchObject({ code: 0 })
  })

  test('sweepDeadRuns() in many processes at once fails in none and leaves nothing', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    ensureCache(cacheLayout(context.cacheDir))
    ensureOverlayDirectories(context.overlayDir)
    for (let run = 0; run < 100; run += 1) {
      const leaseDir = join(cacheLayout(context.cacheDir).runs, nobody())
      mkdirSync(leaseDir)
      for (let kept = 0; kept < 5; kept += 1) markKept(leaseDir, join(dir.path, `gone-${kept}`))
    }
    const sweepers = Array.from({ length: 3 }, () =>
      startWorker(`${openingIn(dir.path)}
        const { existsSync } = await import('node:fs')
        console.log('ready')
        while (!existsSync(${JSON.stringify(join(dir.path, 'go'))})) await new Promise((resolve) => setTimeout(resolve, 1))
        console.log('swept ' + sweepDeadRuns(context).length)`),
    )
    try {
      await Promise.all(sweepers.map((sweeper) => sweeper.line(/^ready/)))
      writeFileSync(join(dir.path, 'go'), '')
      await Promise.all(sweepers.map((sweeper) => sweeper.line(/^swept /)))
      sweepDeadRuns(context)
      expect(readdirSync(cacheLayout(context.cacheDir).runs)).toEqual([])
    } finally {
      await Promise.all(sweepers.map((sweeper) => sweeper[Symbol.asyncDispose]()))
    }
  })

  test('sweepDeadRuns() passes over what this user may not read', async ({ skip }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    ensureCache(cacheLayout(context.cacheDir))
    ensureOverlayDirectories(context.overlayDir)
    mkdirSync(join(overlayRuns(context.overlayDir), nobody()))
    mkdirSync(join(cacheLayout(context.cacheDir).runs, nobody()))
    for (const path of [dir.path, context.cacheDir, context.overlayDir]) chmodSync(path, 0o755)
    await using worker = startWorker(`${openingIn(dir.path)}
      ${becomeNobody}
      console.log('swept ' + sweepDeadRuns(context).length)`)
    expect(await worker.line(/^swept /)).toBe('swept 0')
  })

  test('sweepDeadRuns() leaves alone what no owner made', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await using _ = await openRunDirectory(context)
    mkdirSync(join(overlayRuns(context.overlayDir), 'not-ours'))
    expect(sweepDeadRuns(context)).toEqual([])
  })

  test.each([
    ['the cache', 'cache'],
    ['the overlay directory', 'overlays'],
  ])('openRunDirectory() that fails for %s leaves no directory behind', async (_, name) => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await (await openRunDirectory(context))[Symbol.asyncDispose]()
    renameSync(join(dir.path, name), join(dir.path, 'elsewhere'))
    writeFileSync(join(dir.path, name), 'a file')
    await expect(openRunDirectory(context)).rejects.toMatchObject({
      code: 'CACHE_UNWRITABLE',
      message: expect.stringContaining('VMIMAGE_CACHE_DIR'),
    })
    const entries = readdirSync(dir.path, { recursive: true, encoding: 'utf8' })
    expect(entries.filter((entry) => /[/]run[/]/.test(entry))).toEqual([])
  })

  test('fault 37, a cache that others filled cannot be written: its images are read without leases', async ({
    skip,
  }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    const { layout, code } = prepareForNobody(dir.path)
    mkdirSync(imageDirectory(layout, 'sha256-aa'))
    writeFileSync(diskPath(layout, 'sha256-aa'), 'image')
    showToAll(layout.cacheDir)
    await using worker = startWorker(`${code}
      const run = await openRunDirectory(context)
      console.log('got ' + run.leaseDir + ' ' + takeLease(layout, run.leaseDir, 'sha256-aa'))
      run.removeSync()`)
    expect(await worker.line(/^got /)).toBe(`got undefined ${diskPath(layout, 'sha256-aa')}`)
  })

  test('fault 38, a cache cannot be written and has no images: an error at once', async ({ skip }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    const { layout, code } = prepareForNobody(dir.path)
    rmSync(layout.versionDir, { recursive: true })
    showToAll(layout.cacheDir)
    await using worker = startWorker(`${code}
      await openRunDirectory(context).catch((error) => console.log('got ' + error.code))`)
    expect(await worker.line(/^got /)).toBe('got CACHE_UNWRITABLE')
  })

  test('openRunDirectory() refuses an overlay directory that it cannot write', async ({ skip }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    const { layout, code } = prepareForNobody(dir.path)
    giveToNobody(layout.cacheDir)
    rmSync(join(dir.path, 'overlays'), { recursive: true })
    ensureOverlayDirectories(join(dir.path, 'overlays'))
    showToAll(join(dir.path, 'overlays'))
    await using worker = startWorker(`${code}
      await openRunDirectory(context).catch((error) => console.log('got ' + error.code))`)
    expect(await worker.line(/^got /)).toBe('got CACHE_UNWRITABLE')
  })

  test('openRunDirectory() warns of overlays in memory, unless they were asked for', async ({ skip }) => {
    skip(!canUnshare, 'this system lets nobody but root mount in a namespace (unshare -rm)')
    await using dir = await tempDir()
    const warnings = await runUnshared(
      'mount -t tmpfs tmpfs /var/tmp && mkdir /var/tmp/asked',
      `const { makeContext } = await source('context.ts')
      const { openRunDirectory } = await source('store/run-directory.ts')
      const report = ({ type, message }) => console.log(type, message)
      for (const overlayDir of [undefined, '/var/tmp/asked/for']) {
        const context = makeContext({ cacheDir: ${JSON.stringify(dir.path)}, overlayDir, report }, {})
        await (await openRunDirectory(context))[Symbol.asyncDispose]()
      }`,
    )
    expect(warnings).toMatch(/^warning \/var\/tmp\/vmimage-0 is a tmpfs.*VMIMAGE_OVERLAY_DIR/)
    expect(warnings.split('\n')).toHaveLength(1)
  })
})

/** A worker's code with everything imported that opens and sweeps runs in `directory`. */
function openingIn(directory: string): string {
  const { cacheDir, overlayDir } = contextIn(directory)
  return `
    const { makeContext } = await source('context.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { takeLease } = await source('store/lease.ts')
    const { openRunDirectory, sweepDeadRuns } = await source('store/run-directory.ts')
    const context = makeContext(${JSON.stringify({ cacheDir, overlayDir })}, {})
    const layout = cacheLayout(context.cacheDir)`
}

/** A cache of root's, a directory for nobody's overlays, and the code of a worker that is nobody. */
function prepareForNobody(directory: string) {
  const { cacheDir, overlayDir } = contextIn(directory)
  const layout = cacheLayout(cacheDir)
  ensureCache(layout)
  ensureOverlayDirectories(overlayDir)
  giveToNobody(overlayDir)
  chmodSync(directory, 0o755)
  return { layout, code: `${openingIn(directory)}\n${becomeNobody}` }
}
