/** One fetch for all who ask at the same time: whom they wait for, what they watch meanwhile, and when nobody is there. */
import { lstatSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { fetchOnce } from '../../src/image/fetch-once.js'
import type { ReportEvent } from '../../src/report.js'
import { parseRequest, requestKey } from '../../src/request/request.js'
import { cacheLayout, hashName, ingestDirectory, lockPath } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { nobody } from '../../src/store/owner.js'
import { ensureCache } from '../../src/store/root.js'
import { errorOf } from '../support/error-of.js'
import { acme } from '../support/publisher.js'
import { tempDir } from '../support/temp-dir.js'

const request = parseRequest({ provider: acme })

async function openCache() {
  const dir = await tempDir()
  const events: ReportEvent[] = []
  let onEvent: (() => void) | undefined
  const report = (event: ReportEvent) => {
    events.push(event)
    onEvent?.()
  }
  const context = makeContext({ cacheDir: join(dir.path, 'cache'), arch: 'x86_64', report }, {})
  const layout = cacheLayout(context.cacheDir)
  ensureCache(layout)
  const key = `fetch-${hashName(requestKey(request, 'x86_64'))}`
  const wait = { isDone: () => false, onWait: () => undefined, signal: context.signal }
  return {
    context,
    layout,
    key,
    wait,
    events,
    /** Resolves at the next event. */
    next: () => new Promise<void>((resolve) => (onEvent = resolve)),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

test('who waits sees the bytes of all downloads, also of one that the holder itself waits for', async () => {
  await using cache = await openCache()
  const { layout, context, key, wait, events } = cache
  const theirs = ingestDirectory(layout, 'sha256-of-the-image', nobody())
  mkdirSync(theirs, { recursive: true })
  writeFileSync(join(theirs, 'part'), Buffer.alloc(5000))
  let found: string | undefined
  let waiter: Promise<string> | undefined
  await withLock(layout, key, wait, async () => {
    const told = cache.next()
    waiter = fetchOnce(
      request,
      () => found,
      async () => 'fetched twice',
      context,
    )
    await told
    found = 'found'
  })
  expect(await waiter).toBe('found')
  expect(events[0]).toMatchObject({ type: 'waiting', name: 'acme', receivedBytes: 5000 })
})

test('where nobody has the lock, and only ruins of one are in the way, nobody is waited for', async () => {
  await using cache = await openCache()
  const { layout, context, key, events } = cache
  const path = lockPath(layout, key)
  writeFileSync(path, 'no lock of ours')
  utimesSync(path, 1, 1)
  const isLocked = await fetchOnce(
    request,
    () => undefined,
    async () => lstatSync(path).isDirectory(),
    context,
  )
  expect(isLocked).toBe(true)
  expect(events).toEqual([])
})

test('a download that stands still is an error which names the image', async () => {
  await using cache = await openCache()
  const { layout, key, wait } = cache
  await withLock(layout, key, wait, async () => {
    const stalled = withLock(layout, key, { ...wait, name: 'acme', stallMs: 0 }, async () => undefined)
    expect(await errorOf(stalled)).toMatchObject({
      code: 'LOCK_STALLED',
      message: expect.stringMatching(/^Cannot fetch image "acme": process \d+ is at it/),
    })
  })
})
