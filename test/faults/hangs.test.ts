/**
 * Processes that hang while they hold the lock, and clocks that jump: who is taken for dead, and what happens when the
 * dead come back.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import { makeContext } from '../../src/context.js'
import { cacheLayout, diskPath, lockPath } from '../../src/store/layout.js'
import { type LockWait, withLock } from '../../src/store/lock.js'
import { ensureCache } from '../../src/store/root.js'
import { openRunDirectory, sweepDeadRuns } from '../../src/store/run-directory.js'
import { listImages } from '../../src/store/store.js'
import { ensureFrom } from '../image/ensure-from.js'
import { acme, startPublisher } from '../support/publisher.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'
import { openingCode } from './opening.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const image = smallQcow2('acme 1')
const key = `sha256-${createHash('sha256').update(image).digest('hex')}`
const hour = 3_600_000

function waitWith(more: Partial<LockWait> = {}): LockWait {
  return { isDone: () => false, onWait: () => undefined, signal: new AbortController().signal, ...more }
}

function makeLayout(directory: string) {
  const layout = cacheLayout(directory)
  ensureCache(layout)
  return layout
}

/** A process that takes the lock, does `action` under it, and says when it has given the lock back. */
function startHolder(cacheDir: string, action: string) {
  return startWorker(`
    const { cacheLayout } = await source('store/layout.ts')
    const { withLock } = await source('store/lock.ts')
    const { existsSync } = await import('node:fs')
    const wait = { isDone: () => false, onWait: () => {}, signal: new AbortController().signal }
    await withLock(cacheLayout(${JSON.stringify(cacheDir)}), 'k', wait, async () => { ${action} })
    console.log('gave back')`)
}

/** As if the clock had been set forward by an hour since the lock was last touched; or back. */
function jump(path: string, byMs: number): void {
  const then = new Date(Date.now() - byMs)
  utimesSync(path, then, then)
}

describe('a hang', () => {
  test('fault 9, a process is stopped in the middle of a download and continues when another has published: both have the image, and one is published', async () => {
    await using publisher = await startPublisher({ '1': image })
    publisher.mirror.fail(publisher.path('1'), { trickle: { bytes: 4096, everyMs: 20 } })
    const layout = cacheLayout(String(publisher.options.cacheDir))
    await using stopped = startWorker(`${openingCode(publisher)}
      options.report = (event) => { if (event.type === 'downloading' && event.receivedBytes > 0) console.log('downloading') }
      const image = await openVmImage({ provider: acme }, options)
      console.log('opened ' + image.baseImage)`)
    await stopped.line(/^downloading/)
    stopped.kill('SIGSTOP')
    await expect.poll(() => readFileSync(`/proc/${stopped.pid}/stat`, 'utf8')).toContain(') T ')
    jump(lockPath(layout, key), 31_000)
    await using other = await openVmImage({ provider: acme }, publisher.options)
    expect(readFileSync(other.baseImage).equals(image)).toBe(true)
    const published = statSync(diskPath(layout, key)).ino
    stopped.kill('SIGCONT')
    const base = (await stopped.line(/^opened/)).slice('opened '.length)
    expect(readFileSync(diskPath(layout, key)).equals(image)).toBe(true)
    expect([statSync(diskPath(layout, key)).ino, listImages(layout).length]).toEqual([published, 1])
    expect(base).toContain(`base-${key}`)
    expect(await stopped.ended()).toMatchObject({ code: 0 })
    expect(existsSync(lockPath(layout, key))).toBe(false)
  })

  test('fault 10, an event loop is blocked for longer than its heartbeat allows: another takes over, and its return ends in no error and no lock lost', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const go = join(dir.path, 'go')
    // Blocked until told, and long enough for its next heartbeat to be due, which then finds the lock of another.
    await using blocked = startHolder(
      dir.path,
      `console.log('locked')
      await new Promise((resolve) => setImmediate(resolve))
      const until = Date.now() + 5_200
      const cell = new Int32Array(new SharedArrayBuffer(4))
      while (!existsSync(${JSON.stringify(go)}) || Date.now() < until) Atomics.wait(cell, 0, 0, 20)
      await new Promise((resolve) => setTimeout(resolve, 500))`,
    )
    await blocked.line(/^locked/)
    await withLock(layout, 'k', waitWith({ silentMs: 1000 }), async () => {
      const lock = statSync(lockPath(layout, 'k')).ino
      writeFileSync(go, '')
      await blocked.line(/^gave back/)
      expect(statSync(lockPath(layout, 'k')).ino).toBe(lock)
    })
    expect(await blocked.ended()).toMatchObject({ code: 0 })
    expect(blocked.output()).toBe('locked\ngave back')
    expect(existsSync(lockPath(layout, 'k'))).toBe(false)
  })

  test.each([
    ['forward', hour],
    ['back', -hour],
  ])(
    'fault 16, the clock jumps by an hour while a living process holds the lock: it keeps it (%s)',
    async (_, byMs) => {
      await using dir = await tempDir()
      const layout = makeLayout(dir.path)
      await using holder = startHolder(
        dir.path,
        `console.log('locked'); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
      )
      await holder.line(/^locked/)
      jump(lockPath(layout, 'k'), byMs)
      const lock = statSync(lockPath(layout, 'k')).ino
      const stop = new AbortController()
      let waits = 0
      const onWait = () => {
        waits += 1
        if (waits === 3) stop.abort(new Error('it waits'))
      }
      const entering = withLock(layout, 'k', waitWith({ onWait, signal: stop.signal }), async () => {})
      await expect(entering).rejects.toThrow('it waits')
      expect(statSync(lockPath(layout, 'k')).ino).toBe(lock)
    },
  )

  test.each([
    ['forward', hour],
    ['back', -hour],
  ])(
    'fault 16, the clock jumps by an hour and the holder of the lock dies: its lock is free at once (%s)',
    async (_, byMs) => {
      await using dir = await tempDir()
      const layout = makeLayout(dir.path)
      await using holder = startHolder(
        dir.path,
        `console.log('locked'); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
      )
      await holder.line(/^locked/)
      holder.kill('SIGKILL')
      await holder.ended()
      jump(lockPath(layout, 'k'), byMs)
      const waited: unknown[] = []
      await withLock(layout, 'k', waitWith({ onWait: (state) => waited.push(state) }), async () => {})
      expect(waited).toEqual([])
    },
  )

  test('fault 16, the clock jumps by two days: the overlays and leases of a living run stay', async () => {
    await using dir = await tempDir()
    const options = { cacheDir: join(dir.path, 'cache'), overlayDir: join(dir.path, 'overlays') }
    const context = { ...makeContext(options, {}), now: () => Date.now() + 48 * hour }
    await using run = await openRunDirectory(context)
    expect(sweepDeadRuns(context)).toEqual([])
    expect([run.overlayDir, String(run.leaseDir)].map((path) => existsSync(path))).toEqual([true, true])
  })

  test('fault 16, a clock was years ahead when a name was resolved: the publisher is asked again, not years later', async () => {
    await using publisher = await startPublisher({ '1': image })
    await ensureFrom(publisher, { provider: acme }, { laterMs: 9000 * 24 * hour })
    const asked = publisher.mirror.requests.length
    await ensureFrom(publisher, { provider: acme })
    expect(publisher.mirror.requests.length).toBeGreaterThan(asked)
    const again = publisher.mirror.requests.length
    await ensureFrom(publisher, { provider: acme })
    expect(publisher.mirror.requests).toHaveLength(again)
  })
})
