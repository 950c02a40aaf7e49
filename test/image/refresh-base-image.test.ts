/** A cached image whose name was resolved long ago: asked for again, briefly, and by one for all. */
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { parseRequest } from '../../src/request/request.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import type { Fault } from '../support/mirror.js'
import { becomeNobody, isRoot, showToAll } from '../support/nobody.js'
import { startWorker } from '../support/worker.js'
import { ensureFrom, nextWeekMs, warningsOf } from './ensure-from.js'

const image = smallQcow2('acme 1')
const newer = smallQcow2('acme 2')
const site = '/acme.example.org/'

/** Asks as somebody does next week. */
async function ensureNextWeek(publisher: Publisher, refreshMs?: number) {
  const context = { ...publisher.context(), now: () => Date.now() + nextWeekMs }
  try {
    return await ensureBaseImage(parseRequest({ provider: acme }), undefined, context, refreshMs)
  } finally {
    await context.http.close()
  }
}

const count = ({ mirror }: Publisher, path: string) =>
  mirror.requests.filter((one) => one.path === path).length

describe('a cached image whose name was resolved long ago', () => {
  test.each<[string, string, Fault]>([
    ['gives no answer', site, { silent: true }],
    ['gives half of its listing', site, { stallAfter: 20 }],
    ['gives its checksum file byte by byte', `${site}1/SHA256SUMS`, { trickle: { bytes: 1, everyMs: 50 } }],
  ])('is used when its publisher %s, and says how old it is', async (_, path, fault) => {
    await using publisher = await startPublisher({ '1': image })
    await ensureFrom(publisher, { provider: acme })
    publisher.mirror.fail(path, fault, Infinity)
    const base = await ensureNextWeek(publisher, 500)
    expect(base.version).toBe('1')
    expect(base.resolved.stale).toMatch(
      /^resolved 7 days ago, and not again: .*no complete answer of its publisher within 0\.5 s/,
    )
    expect(warningsOf(publisher)).toEqual([`Acme 1 comes from the cache: ${base.resolved.stale}`])
  })

  test('is used when the newer image that is listed does not come, and its server is asked twice', async () => {
    await using publisher = await startPublisher({ '1': image, '2': newer })
    await ensureFrom(publisher, { provider: acme, version: '1' })
    publisher.mirror.fail(site, { swap: '<title>Index of /</title><pre><a href="1/">1/</a></pre>' })
    await ensureFrom(publisher, { provider: acme })
    publisher.mirror.fail(site, {
      swap: '<title>Index of /</title><pre><a href="1/">1/</a> <a href="2/">2/</a></pre>',
    })
    publisher.mirror.fail(publisher.path('2'), { status: 503 }, Infinity)
    const base = await ensureNextWeek(publisher)
    expect([base.version, base.resolved.stale]).toEqual(['1', expect.stringContaining('503')])
    expect(count(publisher, publisher.path('2'))).toBe(2)
  })

  test('is asked for once when many ask at the same time', async () => {
    await using publisher = await startPublisher({ '1': image })
    await ensureFrom(publisher, { provider: acme })
    const before = count(publisher, site)
    const bases = await Promise.all(Array.from({ length: 8 }, () => ensureNextWeek(publisher)))
    expect(new Set(bases.map(({ resolved }) => resolved.stale))).toEqual(new Set([undefined]))
    expect(count(publisher, site)).toBe(before + 1)
  })

  test('makes nobody wait for longer when many ask a publisher that does not answer', async () => {
    await using publisher = await startPublisher({ '1': image })
    await ensureFrom(publisher, { provider: acme })
    publisher.mirror.fail(site, { silent: true }, Infinity)
    const bases = await Promise.all(Array.from({ length: 8 }, () => ensureNextWeek(publisher, 500)))
    for (const { resolved } of bases) expect(resolved.stale).toContain('within 0.5 s')
  })

  test('is asked for also where it lies in a cache below the own one', async () => {
    await using publisher = await startPublisher({ '1': image })
    await ensureFrom(publisher, { provider: acme })
    const layer = String(publisher.options.cacheDir)
    const more = { cacheDir: `${layer}.own`, extraCacheDirs: [layer] }
    const base = await ensureFrom(publisher, { provider: acme }, { ...more, laterMs: nextWeekMs })
    expect([base.path.startsWith(layer), base.resolved.stale]).toEqual([true, undefined])
  })

  test.skipIf(!isRoot)(
    'fault 37, the cache is read-only and warm: it is asked for again without a lock (needs root, to become nobody)',
    async () => {
      await using publisher = await startPublisher({ '1': image })
      await ensureFrom(publisher, { provider: acme })
      showToAll(publisher.directory)
      await using worker = startWorker(`
        const { defineProvider } = await source('providers/provider.ts')
        const { parseRequest } = await source('request/request.ts')
        const { makeContext } = await source('context.ts')
        const { ensureBaseImage } = await source('image/ensure-base-image.ts')
        await source('image/refresh-base-image.ts')
        await source('http/http.ts')
        await import('undici')
        await import('proper-lockfile')
        ${becomeNobody}
        const provider = defineProvider({ name: 'acme', versionsUrl: 'https://acme.example.org/', imagesUrl: 'https://acme.example.org/{version}/', imagePattern: 'acme-{version}.{arch}.qcow2' })
        const options = ${JSON.stringify({ ...publisher.options, report: undefined })}
        const context = { ...makeContext(options, {}), now: () => Date.now() + ${nextWeekMs} }
        const base = await ensureBaseImage(parseRequest({ provider }), undefined, context)
        console.log('base ' + base.version + ' ' + base.resolved.stale)
        process.exit()
      `)
      expect(await worker.line(/^base/)).toBe('base 1 undefined')
    },
  )

  test('is not asked for by those who came while it was downloaded', async () => {
    await using publisher = await startPublisher({ '1': image, '2': newer })
    publisher.mirror.fail(site, { swap: '<title>Index of /</title><pre><a href="1/">1/</a></pre>' })
    await ensureFrom(publisher, { provider: acme })
    publisher.mirror.fail(site, {
      swap: '<title>Index of /</title><pre><a href="1/">1/</a> <a href="2/">2/</a></pre>',
    })
    const bases = await Promise.all(Array.from({ length: 4 }, () => ensureNextWeek(publisher)))
    expect(bases.map(({ version }) => version)).toEqual(['2', '2', '2', '2'])
    expect(publisher.mirror.bytesServed(publisher.path('2'))).toBe(newer.length)
  })
})
