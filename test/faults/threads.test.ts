/**
 * A worker thread that is terminated runs no `finally` and no exit hook, and its process lives on: what it held must not
 * be taken for held as long as the process lives.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { makeContext } from '../../src/context.js'
import { openIngest } from '../../src/store/ingest.js'
import { cacheLayout, lockPath, overlayRuns } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { describeOwner, judge, newOwner, parseOwner } from '../../src/store/owner.js'
import { ensureCache } from '../../src/store/root.js'
import { openRunDirectory, sweepDeadRuns } from '../../src/store/run-directory.js'
import { tempDir } from '../support/temp-dir.js'
import { startThread } from '../support/thread.js'
import { startWorker } from '../support/worker.js'

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

/** Other systems have no /proc: there a thread is as good as its process. */
const linuxTest = test.runIf(process.platform === 'linux')

const never = new AbortController().signal
const wait = { isDone: () => false, onWait: () => undefined, signal: never }

function ownerOf(name: unknown) {
  const owner = parseOwner(String(name))
  if (owner === undefined) throw new TypeError(`"${String(name)}" is no owner`)
  return owner
}

function openingIn(directory: string) {
  const options = { cacheDir: join(directory, 'cache'), overlayDir: join(directory, 'overlays') }
  const context = makeContext(options, {})
  const layout = cacheLayout(context.cacheDir)
  ensureCache(layout)
  const code = `
    const { makeContext } = await source('context.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const context = makeContext(${JSON.stringify(options)}, {})
    const layout = cacheLayout(context.cacheDir)`
  return { context, layout, code }
}

linuxTest('fault 7, a thread is terminated: it is dead for all, and its process is not', async () => {
  await using thread = startThread(`say((await source('store/owner.ts')).newOwner())`)
  const owner = ownerOf(await thread.said())
  const elsewhere = `
    const { judge, parseOwner } = await source('store/owner.ts')
    console.log('verdicts ' + [process.argv[1], process.argv[2]].map((name) => judge(parseOwner(name))))`
  expect([judge(owner), judge(ownerOf(newOwner()))]).toEqual(['alive', 'alive'])
  expect(describeOwner(owner)).toBe(`process ${process.pid}`)
  await thread.terminate()
  expect([judge(owner), judge(ownerOf(newOwner()))]).toEqual(['dead', 'alive'])
  const { pid, startTime } = ownerOf(newOwner())
  const names = [`${pid}-${startTime}`, `${owner.pid}-${owner.startTime}`].map((place) =>
    newOwner().replace(/\d+-\d+(-\w+)$/, `${place}$1`),
  )
  await using worker = startWorker(
    elsewhere.replaceAll(/process\.argv\[(\d)\]/g, (_, index) => JSON.stringify(names[Number(index) - 1])),
  )
  expect(await worker.line(/^verdicts /)).toBe('verdicts alive,dead')
})

linuxTest('fault 7, a thread is terminated with the lock: the next one has it at once', async () => {
  await using dir = await tempDir()
  const { layout, code } = openingIn(dir.path)
  await using thread = startThread(`${code}
    const { withLock } = await source('store/lock.ts')
    const wait = { isDone: () => false, onWait: () => {}, signal: new AbortController().signal }
    await withLock(layout, 'k', wait, () => { say('locked'); return new Promise(() => {}) })`)
  await thread.said()
  await thread.terminate()
  expect(existsSync(lockPath(layout, 'k'))).toBe(true)
  const waited: unknown[] = []
  await withLock(layout, 'k', { ...wait, onWait: (state) => waited.push(state) }, async () => {})
  expect(waited).toEqual([])
})

linuxTest(
  'fault 7, a thread is terminated while it downloads: the next one takes its bytes over',
  async () => {
    await using dir = await tempDir()
    const { layout, code } = openingIn(dir.path)
    await using thread = startThread(`${code}
    const { writeFileSync } = await import('node:fs')
    const { directory } = (await source('store/ingest.ts')).openIngest(layout, 'k')
    writeFileSync(directory + '/part', 'bytes')
    say(directory)`)
    const left = String(await thread.said())
    const early = openIngest(layout, 'k')
    expect(existsSync(join(early.directory, 'part'))).toBe(false)
    early.remove()
    await thread.terminate()
    const ingest = openIngest(layout, 'k')
    expect(readFileSync(join(ingest.directory, 'part'), 'utf8')).toBe('bytes')
    expect(existsSync(left)).toBe(false)
  },
)

linuxTest(
  'fault 7, a thread is terminated with an overlay and a lease: the next start removes them',
  async () => {
    await using dir = await tempDir()
    const { context, layout, code } = openingIn(dir.path)
    await using alive = await openRunDirectory(context)
    await using thread = startThread(`${code}
    const { overlayDir } = await (await source('store/run-directory.ts')).openRunDirectory(context)
    say(overlayDir)`)
    writeFileSync(join(String(await thread.said()), 'disk.qcow2'), '')
    expect(sweepDeadRuns(context)).toEqual([])
    await thread.terminate()
    expect(sweepDeadRuns(context)).toHaveLength(2)
    expect(existsSync(alive.overlayDir)).toBe(true)
    expect(
      [overlayRuns(context.overlayDir), layout.runs].map((parent) => readdirSync(parent).length),
    ).toEqual([1, 1])
  },
)
