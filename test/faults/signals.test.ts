/** Processes that are told to end, by a signal that nobody handles. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openVmImage } from '../../src/image/open.js'
import { cacheLayout, overlayRuns } from '../../src/store/layout.js'
import { acme, startPublisher } from '../support/publisher.js'
import { startWorker } from '../support/worker.js'
import { openingCode } from './opening.js'

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const image = smallQcow2('acme 1')

test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
  'fault 1, 8, a process is told to end while it downloads: it ends by that signal, and the next one goes on with its bytes and clears up after it (%s)',
  async (signal) => {
    await using publisher = await startPublisher({ '1': image })
    const { cacheDir, overlayDir } = publisher.context()
    const layout = cacheLayout(cacheDir)
    publisher.mirror.fail(publisher.path('1'), { trickle: { bytes: 4096, everyMs: 20 } })
    await using worker = startWorker(`${openingCode(publisher)}
      options.report = (event) => { if (event.receivedBytes >= 50_000) console.log('downloading') }
      setInterval(() => {}, 1000)
      await openVmImage({ provider: acme }, options)`)
    await worker.line(/^downloading/)
    worker.kill(signal)
    expect(await worker.ended()).toEqual({ code: null, signal })

    await using opened = await openVmImage({ provider: acme }, publisher.options)
    expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
    const asked = publisher.mirror.requests.filter(({ path }) => path === publisher.path('1'))
    expect(asked.map(({ range }) => range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]\d{4,}-$/),
    ])
    expect(publisher.mirror.bytesServed(publisher.path('1'))).toBeLessThan(1.3 * image.length)
    expect(readdirSync(layout.runs)).toHaveLength(1)
    expect(readdirSync(overlayRuns(overlayDir))).toHaveLength(1)
    expect(readdirSync(layout.locks).filter((name) => name.endsWith('.lock'))).toEqual([])
    expect(readdirSync(layout.ingest).flatMap((key) => readdirSync(`${layout.ingest}/${key}`))).toEqual([])
  },
)

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'fault 6, 8, a process is told to end while it uses a disk: the next start removes the disk and the lease (%s)',
  async (signal) => {
    await using publisher = await startPublisher({ '1': image })
    await using worker = startWorker(`${openingCode(publisher)}
      const image = await openVmImage({ provider: acme }, options)
      console.log('opened ' + image.path)
      setInterval(() => {}, 1000)`)
    const path = (await worker.line(/^opened /)).slice('opened '.length)
    worker.kill(signal)
    expect(await worker.ended()).toEqual({ code: null, signal })
    expect(existsSync(path)).toBe(true)
    await using _ = await openVmImage({ provider: acme }, publisher.options)
    expect(existsSync(path)).toBe(false)
    expect(readdirSync(cacheLayout(publisher.context().cacheDir).runs)).toHaveLength(1)
  },
)
