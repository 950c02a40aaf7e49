import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cacheLayout, lockOwnerPath, lockPath } from '../../src/store/layout.js'
import { type LockWait, withLock } from '../../src/store/lock.js'
import { ensureCache } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'

const never = new AbortController().signal
const wait = (more: Partial<LockWait> = {}): LockWait => ({
  isDone: () => false,
  onWait: () => undefined,
  signal: never,
  ...more,
})

function makeLayout(cacheDir: string) {
  const layout = cacheLayout(cacheDir)
  ensureCache(layout)
  return layout
}

/** A process that has the lock, does `action` under it, and then holds it for a minute. */
function startHolder(cacheDir: string, action = '') {
  return startWorker(`
    const { cacheLayout } = await source('store/layout.ts')
    const { withLock } = await source('store/lock.ts')
    const wait = { isDone: () => false, onWait: () => {}, signal: new AbortController().signal }
    await withLock(cacheLayout(${JSON.stringify(cacheDir)}), 'k', wait, async () => {
      console.log('locked')
      ${action}
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    })`)
}

describe('withLock()', () => {
  test('lets one in at a time, and all of them in the end', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const state = { inside: 0, most: 0, runs: 0 }
    const enter = () =>
      withLock(layout, 'k', wait(), async () => {
        state.inside += 1
        state.most = Math.max(state.most, state.inside)
        await new Promise((resolve) => setImmediate(resolve))
        state.inside -= 1
        state.runs += 1
      })
    await Promise.all([enter(), enter(), enter(), enter()])
    expect(state).toEqual({ inside: 0, most: 1, runs: 4 })
    expect(readdirSync(layout.locks).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('fault 11, a lock without a record has a time in the future: it is freed when no heartbeat is seen', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const tomorrow = Date.now() / 1000 + 86_400
    mkdirSync(lockPath(layout, 'k'))
    utimesSync(lockPath(layout, 'k'), tomorrow, tomorrow)
    const ran: string[] = []
    const signal = AbortSignal.timeout(20_000)
    await withLock(layout, 'k', wait({ silentMs: 200, signal }), async () => void ran.push('ran'))
    expect([ran, existsSync(lockPath(layout, 'k'))]).toEqual([['ran'], false])
  }, 30_000)

  test('does not make one key wait for another', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const order: string[] = []
    await withLock(layout, 'a', wait(), async () => {
      await withLock(layout, 'b', wait(), async () => void order.push('b'))
      order.push('a')
    })
    expect(order).toEqual(['b', 'a'])
  })

  test('runs nothing when the work is done already', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await withLock(layout, 'k', wait({ isDone: () => true }), () => Promise.reject(new Error('must not run')))
    expect(existsSync(lockPath(layout, 'k'))).toBe(false)
  })

  test('gives the lock back when the action throws', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await expect(withLock(layout, 'k', wait(), () => Promise.reject(new Error('oh')))).rejects.toThrow('oh')
    expect(existsSync(lockPath(layout, 'k'))).toBe(false)
  })

  test('tells whom it waits for and how far that one is', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    mkdirSync(join(layout.ingest, 'k', 'x'), { recursive: true })
    writeFileSync(join(layout.ingest, 'k', 'x', 'part'), Buffer.alloc(1234))
    await using holder = startHolder(dir.path)
    await holder.line(/locked/)
    const stop = new AbortController()
    const told: unknown[] = []
    const onWait = (state: unknown) => {
      told.push(state)
      stop.abort(new Error('seen enough'))
    }
    await expect(
      withLock(layout, 'k', wait({ onWait, signal: stop.signal }), async () => {}),
    ).rejects.toThrow('seen enough')
    expect(told[0]).toEqual({
      holder: `process ${holder.pid}`,
      receivedBytes: 1234,
      bytesPerSecond: undefined,
    })
  })

  test('fault 1, the process that holds the lock is killed with SIGKILL: a waiter takes over at once', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await using holder = startHolder(dir.path)
    await holder.line(/locked/)
    holder.kill('SIGKILL')
    await holder.ended()
    expect(existsSync(lockPath(layout, 'k'))).toBe(true)
    const waited: unknown[] = []
    let ran = false
    await withLock(layout, 'k', wait({ onWait: (state) => waited.push(state) }), async () => {
      ran = true
    })
    expect(ran).toBe(true)
    expect(waited).toEqual([])
  })

  test('does not take the lock of a living holder for a dead one that left its record behind', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await using dead = startHolder(dir.path)
    await dead.line(/locked/)
    dead.kill('SIGKILL')
    await dead.ended()
    // Somebody else has the lock now, and has not come to write its record yet.
    rmSync(lockPath(layout, 'k'), { recursive: true })
    mkdirSync(lockPath(layout, 'k'))
    const stop = new AbortController()
    const onWait = () => stop.abort(new Error('it waits'))
    await expect(
      withLock(layout, 'k', wait({ onWait, signal: stop.signal }), async () => {}),
    ).rejects.toThrow('it waits')
    expect(existsSync(lockPath(layout, 'k'))).toBe(true)
  })

  test('gives up on a holder whose bytes do not grow, and says who it is', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await using holder = startHolder(dir.path)
    await holder.line(/locked/)
    await expect(withLock(layout, 'k', wait({ stallMs: 1 }), async () => {})).rejects.toMatchObject({
      code: 'LOCK_STALLED',
      message: expect.stringMatching(new RegExp(`process ${holder.pid} [^]*\\n.*End that process`)),
    })
  })

  test('fault 9, the process that holds the lock is stopped for longer than its heartbeat allows: a waiter takes over', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await using holder = startHolder(dir.path)
    await holder.line(/locked/)
    holder.kill('SIGSTOP')
    const halfAMinuteAgo = new Date(Date.now() - 31_000)
    utimesSync(lockPath(layout, 'k'), halfAMinuteAgo, halfAMinuteAgo)
    const ran: string[] = []
    await withLock(layout, 'k', wait(), async () => void ran.push('took over'))
    expect(ran).toEqual(['took over'])
  })

  test('leaves the next holder alone when the process exits without its lock', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await using holder = startHolder(
      dir.path,
      `const { mkdirSync, rmdirSync } = await import('node:fs')
      rmdirSync(${JSON.stringify(lockPath(layout, 'k'))})
      mkdirSync(${JSON.stringify(lockPath(layout, 'k'))})
      process.exit(0)`,
    )
    expect(await holder.ended()).toMatchObject({ code: 0 })
    expect(existsSync(lockPath(layout, 'k'))).toBe(true)
  })

  test('gives the lock back when the process exits with it', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await using holder = startHolder(dir.path, 'process.exit(0)')
    expect(await holder.ended()).toMatchObject({ code: 0 })
    expect(existsSync(lockPath(layout, 'k'))).toBe(false)
  })

  test('works, and gives the lock back, when it cannot write who has it', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    mkdirSync(lockOwnerPath(layout, 'k'))
    const ran: string[] = []
    const enter = (name: string) => withLock(layout, 'k', wait(), async () => void ran.push(name))
    await enter('a')
    await Promise.all([enter('b'), enter('b')])
    expect(ran).toEqual(['a', 'b', 'b'])
    expect(existsSync(lockPath(layout, 'k'))).toBe(false)
  })

  test('fault 11, a lock is removed by hand while it is held: its holder goes on, and leaves the next holder alone', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    await withLock(layout, 'k', wait(), async () => {
      rmSync(lockPath(layout, 'k'), { recursive: true })
      mkdirSync(lockPath(layout, 'k'))
    })
    expect(existsSync(lockPath(layout, 'k'))).toBe(true)
  })

  test.each([
    ['before', (abort: () => void) => abort()],
    ['in', (abort: () => void) => void setImmediate(abort)],
  ])('ends with the reason of an abort that comes %s a wait', async (_, soon) => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    mkdirSync(lockPath(layout, 'k'))
    const stop = new AbortController()
    const onWait = () => soon(() => stop.abort(new Error('enough')))
    await expect(
      withLock(layout, 'k', wait({ onWait, signal: stop.signal }), async () => {}),
    ).rejects.toThrow('enough')
  })

  test('takes no lock when it is aborted already', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(withLock(layout, 'k', wait({ signal }), async () => {})).rejects.toThrow('enough')
    expect(readdirSync(layout.locks)).toEqual([])
  })

  test('goes on when somebody removes all locks while it waits', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    mkdirSync(lockPath(layout, 'k'))
    const ran: string[] = []
    const onWait = () => rmSync(layout.locks, { recursive: true })
    await withLock(layout, 'k', wait({ onWait }), async () => void ran.push('locked'))
    expect(ran).toEqual(['locked'])
    expect(readdirSync(layout.locks).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('says at once that a cache that cannot be made cannot be locked', async () => {
    await using dir = await tempDir()
    const file = join(dir.path, 'file')
    writeFileSync(file, '')
    await expect(withLock(cacheLayout(file), 'k', wait(), async () => {})).rejects.toMatchObject({
      code: 'CACHE_UNWRITABLE',
    })
  })
})
