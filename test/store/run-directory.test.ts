import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { markKept } from '../../src/store/lease.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { openRunDirectory, sweepDeadRuns } from '../../src/store/run-directory.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'

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

  test('sweepDeadRuns() removes what a killed process left, and nothing of the living', async () => {
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
    const longAgo = new Date(Date.now() - 25 * 3_600_000)
    utimesSync(foreign, longAgo, longAgo)
    expect(sweepDeadRuns(context)).toEqual([foreign])
  })

  test('sweepDeadRuns() leaves alone what no owner made', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    await using _ = await openRunDirectory(context)
    mkdirSync(join(overlayRuns(context.overlayDir), 'not-ours'))
    expect(sweepDeadRuns(context)).toEqual([])
  })

  test('openRunDirectory() refuses a cache whose version directory is a link', async () => {
    await using dir = await tempDir()
    const context = contextIn(dir.path)
    mkdirSync(context.cacheDir)
    mkdirSync(join(dir.path, 'elsewhere'))
    symlinkSync(join(dir.path, 'elsewhere'), cacheLayout(context.cacheDir).versionDir)
    await expect(openRunDirectory(context)).rejects.toMatchObject({ code: 'CACHE_UNSAFE' })
  })

  test('openRunDirectory() says which directory cannot be made', async () => {
    await using dir = await tempDir()
    writeFileSync(join(dir.path, 'cache'), 'a file')
    await expect(openRunDirectory(contextIn(dir.path))).rejects.toMatchObject({
      code: 'CACHE_UNWRITABLE',
      message: expect.stringContaining('VMIMAGE_CACHE_DIR'),
    })
  })

  test('a cache is marked as one for backup programs', async () => {
    await using dir = await tempDir()
    await using _ = await openRunDirectory(contextIn(dir.path))
    expect(readdirSync(join(dir.path, 'cache'))).toContain('CACHEDIR.TAG')
  })
})
