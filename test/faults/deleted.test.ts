/** The cache is deleted under those who use it: they are told, and the next one who asks has it made anew. */
import { readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openOverlay } from '../../src/image/overlay.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { ensureFrom } from '../image/ensure-from.js'
import { acme, startPublisher } from '../support/publisher.js'

const image = smallQcow2('acme 1')

test('fault 48, somebody deletes the cache with the leases of a living run: its next overlay is an error that says so, and asking again makes all of it anew', async () => {
  await using publisher = await startPublisher({ '1': image })
  const context = publisher.context()
  await using run = await openRunDirectory(context)
  const base = await ensureFrom(publisher, { provider: acme }, { leaseDir: run.leaseDir })
  rmSync(context.cacheDir, { recursive: true })
  expect(() => openOverlay(base, { directory: run.overlayDir })).toThrow(
    expect.objectContaining({
      code: 'BASE_CHANGED',
      message: expect.stringMatching(/it is gone[^]*\nRun again/),
    }),
  )
  const again = await ensureFrom(publisher, { provider: acme }, { leaseDir: run.leaseDir })
  expect(dirname(again.path)).toBe(run.leaseDir)
  await using overlay = openOverlay(again, { directory: run.overlayDir })
  expect(readFileSync(overlay.baseImage).equals(image)).toBe(true)
})

test('fault 48, somebody deletes the cache while it is being filled: it is filled once more', async () => {
  await using publisher = await startPublisher({ '1': image })
  const { cacheDir } = publisher.context()
  publisher.mirror.fail(publisher.path('1'), { trickle: { bytes: 16_384, everyMs: 10 } })
  let isDeleted = false
  const base = await ensureFrom(
    publisher,
    { provider: acme },
    {
      report: (event) => {
        if (isDeleted || event.type !== 'downloading' || event.receivedBytes === 0) return
        isDeleted = true
        rmSync(cacheDir, { recursive: true })
      },
    },
  )
  expect(isDeleted).toBe(true)
  expect(readFileSync(base.path).equals(image)).toBe(true)
})
