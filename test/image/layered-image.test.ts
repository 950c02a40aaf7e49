/** Caches below the user's own, of our layout: what they serve. How it is leased is in layered-lease.test.ts. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import { parseRequest } from '../../src/request/request.js'
import { findPrepared } from '../../src/run/prepared.js'
import { startRun } from '../../src/run/run.js'
import { cacheLayout } from '../../src/store/layout.js'
import { makeKey, signDetached } from '../support/keys.js'
import { becomeNobody, isRoot, showToAll } from '../support/nobody.js'
import { acme } from '../support/publisher.js'
import { acmeSigning, keyPath } from '../support/signed.js'
import { startWorker } from '../support/worker.js'
import { ensureFrom, nextWeekMs } from './ensure-from.js'
import { diskOf, image, startLayered } from './layered.js'

describe('a layer of our own layout', () => {
  test('serves its image as it was resolved there, and asks nobody', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options, tree, asked } = layered
    const before = tree()
    const base = await ensureFrom(publisher, { provider: acme }, options)
    expect(base).toMatchObject({ path: diskOf(layer), trust: 'checksum', leaseDir: undefined, version: '1' })
    expect(asked()).toBe(0)
    await using opened = await openVmImage({ provider: acme }, { ...publisher.options, ...options })
    expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
    await opened.dispose()
    expect(asked()).toBe(0)
    expect(tree()).toEqual(before)
  })

  test('serves its image after a new resolution, without a download', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options, tree, asked } = layered
    const before = tree()
    const base = await ensureFrom(publisher, { provider: acme }, { ...options, laterMs: nextWeekMs })
    expect(base.path).toBe(diskOf(layer))
    expect(asked()).toBeGreaterThan(0)
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
    expect(readdirSync(cacheLayout(String(publisher.options.cacheDir)).images)).toEqual([])
    expect(tree()).toEqual(before)
  })

  test('serves its image to another request that means it', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options } = layered
    const base = await ensureFrom(publisher, { provider: acme, version: '1' }, options)
    expect(base.path).toBe(diskOf(layer))
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
  })

  test('is as good as its resolution is old when the network is switched off', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options } = layered
    const late = { ...options, offline: true, laterMs: nextWeekMs }
    expect(await ensureFrom(publisher, { provider: acme }, late)).toMatchObject({
      path: diskOf(layer),
      resolved: { stale: expect.stringContaining('switched off') },
    })
  })

  test("comes after the user's own cache", async () => {
    await using layered = await startLayered()
    const { publisher, options } = layered
    const own = await ensureFrom(publisher, { provider: acme })
    expect((await ensureFrom(publisher, { provider: acme }, options)).path).toBe(own.path)
  })

  test('has its image downloaded when that was written to', async () => {
    await using layered = await startLayered()
    const { publisher, layer, options } = layered
    chmodSync(diskOf(layer), 0o644)
    writeFileSync(diskOf(layer), smallQcow2('forged'))
    const base = await ensureFrom(publisher, { provider: acme }, options)
    expect(base.path.startsWith(String(publisher.options.cacheDir))).toBe(true)
    expect(readFileSync(base.path).equals(image)).toBe(true)
  })

  test('holds what was signed there for signed, after a new resolution too', async () => {
    const key = await makeKey()
    const provider = acmeSigning('image', key)
    const signature = await signDetached(image, key)
    await using layered = await startLayered(provider, {
      [keyPath]: key.armored,
      'acme-1.x86_64.qcow2.asc': signature,
    })
    const { publisher, layer, options } = layered
    for (const laterMs of [0, nextWeekMs]) {
      const request = { provider, minimumTrust: 'signed' } as const
      const base = await ensureFrom(publisher, request, { ...options, laterMs })
      expect(base).toMatchObject({ path: diskOf(layer), trust: 'signed', signedBy: key.fingerprint })
    }
  })

  test('does not lower the bar', async () => {
    await using layered = await startLayered()
    const { publisher, options } = layered
    const refused = ensureFrom(publisher, { provider: acme, minimumTrust: 'signed' }, options)
    await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
  })

  test('serves tests that asked for what nobody listed', async () => {
    await using layered = await startLayered()
    const { publisher, options, tree, asked } = layered
    const before = tree()
    const run = await startRun({ images: [] }, publisher.context(options))
    const base = findPrepared(parseRequest({ provider: acme }), run.info, undefined)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    run.close()
    expect(asked()).toBe(0)
    expect(tree()).toEqual(before)
  })

  test('serves a worker of another user, who may read and no more', async ({ skip }) => {
    skip(!isRoot, 'root can become another user')
    await using layered = await startLayered()
    const { publisher, layer } = layered
    showToAll(publisher.directory)
    await using worker = startWorker(`
      const { findPrepared } = await source('run/prepared.ts')
      const { parseRequest } = await source('request/request.ts')
      const { acme } = await import(new URL('test/support/publisher.ts', ${JSON.stringify(new URL('../../', import.meta.url).href)}).href)
      ${becomeNobody}
      const run = { cacheDir: '/nowhere', extraCacheDirs: [${JSON.stringify(layer)}], images: {}, errors: {},
        arch: 'x86_64', maxResolveAgeMs: 1e9, minimumTrust: 'checksum',
        pinning: { isFrozen: false, pins: {} } }
      console.log('base', findPrepared(parseRequest({ provider: acme }), run).path)`)
    expect(await worker.line(/^base /)).toBe(`base ${diskOf(layer)}`)
  })
})
