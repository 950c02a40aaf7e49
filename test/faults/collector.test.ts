/** A collector among processes that lease, and collectors that are killed half-way. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { collectCache } from '../../src/store/collect.js'
import { diskPath } from '../../src/store/layout.js'
import { takeLease } from '../../src/store/lease.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { findImage } from '../../src/store/store.js'
import { cacheOfImages, keyOf } from '../support/cached-images.js'
import { startWorker } from '../support/worker.js'

const names = ['a', 'b', 'c', 'd']
const rounds = 60

test('fault 43, a collector works while other processes lease: who has a lease has the bytes, whatever goes', async () => {
  await using cache = await cacheOfImages()
  const { cacheDir, overlayDir } = cache.context
  const keys = names.map(keyOf)
  const code = `
    const { readFileSync } = await import('node:fs')
    const { makeContext } = await source('context.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { dropLease, takeLease } = await source('store/lease.ts')
    const { openRunDirectory } = await source('store/run-directory.ts')
    const context = makeContext(${JSON.stringify({ cacheDir, overlayDir })}, {})
    const layout = cacheLayout(context.cacheDir)
    const run = await openRunDirectory(context)
    const keys = ${JSON.stringify(keys)}
    let [leased, missed, wrong] = [0, 0, 0]
    let isOver = false
    process.on('SIGTERM', () => (isOver = true))
    console.log('leasing')
    while (!isOver) {
      for (const [index, key] of keys.entries()) {
        const path = takeLease(layout, run.leaseDir, key)
        if (path === undefined) { missed += 1; continue }
        leased += 1
        const bytes = readFileSync(path)
        if (bytes.length !== 65536 || bytes[0] !== 'abcd'.charCodeAt(index) || bytes[65535] !== bytes[0]) wrong += 1
        dropLease(run.leaseDir, key)
      }
      await new Promise((done) => setImmediate(done))
    }
    console.log('over ' + JSON.stringify({ leased, missed, wrong }))
    process.exit()`
  await using one = startWorker(code)
  await using two = startWorker(code)
  await Promise.all([one.line(/^leasing/), two.line(/^leasing/)])
  let removed = 0
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) if (!existsSync(diskPath(cache.layout, keyOf(name)))) cache.publish(name, 2)
    const collected = await collectCache(cache.context, { all: true })
    removed += collected?.go.length ?? 0
    // What is there is whole, also what was put back.
    for (const key of readdirSync(cache.layout.images)) expect(findImage(cache.layout, key)).toBeDefined()
  }
  for (const worker of [one, two]) worker.kill('SIGTERM')
  const lines = await Promise.all([one.line(/^over/), two.line(/^over/)])
  const counts = lines.map(
    (line) => JSON.parse(line.slice(5)) as { leased: number; missed: number; wrong: number },
  )
  expect(counts.map(({ wrong }) => wrong)).toEqual([0, 0])
  // Both came to pass, or nothing was proved.
  expect(removed).toBeGreaterThan(0)
  expect(counts.every(({ leased }) => leased > 0)).toBe(true)
}, 120_000)

test('fault 5, the collector is killed half-way: leases are whole, and the next one clears up after it', async () => {
  await using cache = await cacheOfImages()
  const { cacheDir, overlayDir } = cache.context
  const held = cache.publish('held', 9)
  await using run = await openRunDirectory(cache.context)
  const lease = takeLease(cache.layout, run.leaseDir, held) ?? ''
  const bytes = readFileSync(lease)
  const steps: string[] = []
  for (const step of ['renameSync', 'rm']) {
    for (const name of names) cache.publish(name, 9)
    // Dies in the middle of the second image: after its rename, or before its removal.
    await using worker = startWorker(`
      const { syncBuiltinESMExports } = await import('node:module')
      const fs = (await import('node:fs')).default
      let calls = 0
      const home = ${JSON.stringify(step)} === 'rm' ? fs.promises : fs
      const original = home[${JSON.stringify(step)}]
      home[${JSON.stringify(step)}] = (...args) => {
        const isImage = String(args[0]).includes('/images/') || String(args[0]).includes('/trash/')
        if (isImage) calls += 1
        if (isImage && calls === 2 && ${JSON.stringify(step)} === 'rm') process.kill(process.pid, 'SIGKILL')
        const result = original(...args)
        if (isImage && calls === 2) process.kill(process.pid, 'SIGKILL')
        return result
      }
      syncBuiltinESMExports()
      const { makeContext } = await source('context.ts')
      const { collectCache } = await source('store/collect.ts')
      await collectCache(makeContext(${JSON.stringify({ cacheDir, overlayDir })}, {}), { all: true })
      console.log('survived')`)
    const { signal } = await worker.ended()
    expect(signal, worker.output()).toBe('SIGKILL')
    expect(readdirSync(cache.layout.trash)).toHaveLength(1)
    expect(existsSync(join(cache.layout.locks, 'gc'))).toBe(true)
    for (const key of readdirSync(cache.layout.images)) expect(findImage(cache.layout, key)).toBeDefined()
    steps.push(...((await collectCache(cache.context, { all: true }))?.swept.map(({ kind }) => kind) ?? []))
    expect(readdirSync(cache.layout.trash)).toEqual([])
    expect(readdirSync(cache.layout.locks)).toEqual([])
    expect(readdirSync(cache.layout.images)).toEqual([held])
    expect(readFileSync(lease).equals(bytes)).toBe(true)
  }
  expect(steps).toEqual(['trash', 'trash'])
}, 60_000)
