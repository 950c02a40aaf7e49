/** Somebody deletes parts of the cache by hand, or evicts an image, in the middle of a download. */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import type { ReportEvent } from '../../src/report.js'
import { cacheLayout } from '../../src/store/layout.js'
import { discardImage } from '../../src/store/store.js'
import { errorOf } from '../support/error-of.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { ensureFrom } from './ensure-from.js'

const image = smallQcow2('acme 1')
const key = `sha256-${createHash('sha256').update(image).digest('hex')}`
const layoutOf = ({ options }: Publisher) => cacheLayout(String(options.cacheDir))

/** Calls `action` at the first `times` events of that type. */
function at(type: ReportEvent['type'], action: () => void, times = 1) {
  let left = times
  return (event: ReportEvent) => {
    if (event.type !== type || left === 0) return
    left -= 1
    action()
  }
}

test.each(['ingest', 'locks', 'versionDir', 'cacheDir'] as const)(
  'a download goes on, or begins anew, when somebody removes %s',
  async (place) => {
    await using publisher = await startPublisher({ '1': image })
    const report = at('downloading', () => rmSync(layoutOf(publisher)[place], { recursive: true }))
    const base = await ensureFrom(publisher, { provider: acme }, { report })
    expect(readFileSync(base.path).equals(image)).toBe(true)
  },
)

test('a download whose files are removed again and again ends with an error that says so', async () => {
  await using publisher = await startPublisher({ '1': image })
  const report = at('downloading', () => rmSync(layoutOf(publisher).ingest, { recursive: true }), Infinity)
  expect(await errorOf(ensureFrom(publisher, { provider: acme }, { report }))).toMatchObject({
    code: 'CACHE_UNWRITABLE',
    message: expect.stringMatching(/removed 3 times while it arrived\.\nFind out who deletes/),
  })
})

test('fault 43, an eviction comes between publishing and the first use: the image is fetched again', async () => {
  await using publisher = await startPublisher({ '1': image })
  const report = at('published', () => discardImage(layoutOf(publisher), key))
  const base = await ensureFrom(publisher, { provider: acme }, { report })
  expect(readFileSync(base.path).equals(image)).toBe(true)
})

test('an image that is evicted each time that it is published is an error that says so', async () => {
  await using publisher = await startPublisher({ '1': image })
  const report = at('published', () => discardImage(layoutOf(publisher), key), Infinity)
  expect(await errorOf(ensureFrom(publisher, { provider: acme }, { report }))).toMatchObject({
    code: 'BASE_CHANGED',
    message: expect.stringContaining('Somebody deletes the cache'),
  })
})

test('fault 48, the cache is deleted while a disk stands on it: the next one fetches the image again', async () => {
  await using publisher = await startPublisher({ '1': image })
  await using first = await openVmImage({ provider: acme }, publisher.options)
  rmSync(layoutOf(publisher).cacheDir, { recursive: true })
  await using second = await openVmImage({ provider: acme }, publisher.options)
  expect(readFileSync(second.baseImage).equals(image)).toBe(true)
  await first.dispose()
  expect(readFileSync(second.baseImage).equals(image)).toBe(true)
})
