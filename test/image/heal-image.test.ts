import { chmodSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { cacheLayout } from '../../src/store/layout.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { acme, startPublisher } from '../support/publisher.js'
import { ensureFrom } from './ensure-from.js'

const image = smallQcow2('acme 1')
const newer = smallQcow2('acme 2')

describe('healImage()', () => {
  test('fault 45, somebody writes to a cached image: it is fetched anew', async () => {
    await using publisher = await startPublisher({ '1': image })
    await using run = await openRunDirectory(publisher.context())
    const base = await ensureFrom(publisher, { provider: acme }, { leaseDir: run.leaseDir })
    chmodSync(base.path, 0o644)
    writeFileSync(base.path, 'not an image any more')
    const again = await ensureFrom(publisher, { provider: acme }, { leaseDir: run.leaseDir })
    expect(readFileSync(again.path).equals(image)).toBe(true)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(2 * image.length)
  })

  test('fault 45, a backup has rounded the time of a cached image: it is hashed, and used', async () => {
    await using publisher = await startPublisher({ '1': image })
    const { path } = await ensureFrom(publisher, { provider: acme })
    const rounded = new Date(Math.floor(Date.now() / 2000) * 2000)
    utimesSync(path, rounded, rounded)
    expect((await ensureFrom(publisher, { provider: acme }, { offline: true })).path).toBe(path)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    expect(publisher.events).not.toContainEqual(expect.objectContaining({ type: 'warning' }))
  })

  test('fault 45, a cached image has the right size and wrong bytes: it is thrown away, and a warning says so', async () => {
    await using publisher = await startPublisher({ '1': image })
    const { path } = await ensureFrom(publisher, { provider: acme })
    chmodSync(path, 0o644)
    writeFileSync(path, newer)
    await expect(ensureFrom(publisher, { provider: acme }, { offline: true })).rejects.toMatchObject({
      code: 'OFFLINE',
    })
    expect(publisher.events.at(-1)).toMatchObject({ type: 'warning', message: expect.stringContaining(path) })
    expect(readdirSync(cacheLayout(String(publisher.options.cacheDir)).images)).toEqual([])
  })

  test.each(['disk', 'meta.json'])('repairs an image that has lost its %s', async (file) => {
    await using publisher = await startPublisher({ '1': image })
    const { path } = await ensureFrom(publisher, { provider: acme })
    rmSync(join(dirname(path), file))
    const repaired = await ensureFrom(publisher, { provider: acme })
    expect(readFileSync(repaired.path).equals(image)).toBe(true)
    await ensureFrom(publisher, { provider: acme })
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(2 * image.length)
  })
})
