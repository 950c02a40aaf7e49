/**
 * The warm path: what a test waits for when its base image is cached. Beside it stat() of the cached file, which is less
 * than any check can cost, and one round trip of proper-lockfile, which is what a cache pays that locks to read.
 * All in one process, in turns.
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import { smallQcow2 } from '../fixtures/images/small-qcow2.js'
import { leaseResolved } from '../src/image/base-image.js'
import { openVmImage } from '../src/image/open.js'
import { openOverlay } from '../src/image/overlay.js'
import { parseRequest, requestKey } from '../src/request/request.js'
import { cacheLayout } from '../src/store/layout.js'
import { dropLease } from '../src/store/lease.js'
import { findResolution } from '../src/store/resolutions.js'
import { openRunDirectory } from '../src/store/run-directory.js'
import { acme, startPublisher } from '../test/support/publisher.js'
import { median, printTable } from './figures.js'

const rounds = 9
const perRound = 100

export async function benchWarm(): Promise<void> {
  await using publisher = await startPublisher({ '1': smallQcow2('bench') })
  const { options } = publisher
  await (await openVmImage({ provider: acme }, options)).dispose()
  // From here on nobody is asked.
  await publisher.mirror[Symbol.asyncDispose]()
  const context = publisher.context()
  const layout = cacheLayout(context.cacheDir)
  await using run = await openRunDirectory(context)
  // One whose lease is given back while the other's is used.
  await using other = await openRunDirectory(context)
  const { leaseDir, overlayDir } = run
  const otherLeases = other.leaseDir ?? ''
  const resolution = findResolution(layout, requestKey(parseRequest({ provider: acme }), context.arch))
  const base = resolution && leaseResolved(layout, leaseDir, resolution)
  if (resolution === undefined || base === undefined) throw new Error('The image is not in the cache.')
  const locked = join(publisher.directory, 'locked')
  mkdirSync(locked)
  const steps: Readonly<Record<string, () => unknown>> = {
    'stat() of the cached file': () => statSync(base.path),
    'lease, checked against its record': () => {
      leaseResolved(layout, otherLeases, resolution)
      dropLease(otherLeases, resolution.key)
    },
    'lock and release (proper-lockfile)': async () => (await lock(locked))(),
    'overlay made and deleted': () => openOverlay(base, { directory: overlayDir }).dispose(),
    'openVmImage() and dispose()': async () =>
      (await openVmImage({ provider: acme }, { ...options, report: undefined })).dispose(),
  }
  const medians = await takeTurns(steps)
  const floor = medians.get('stat() of the cached file') ?? Number.NaN
  const whole = medians.get('openVmImage() and dispose()') ?? Number.NaN
  console.log(`\nWarm, median of ${rounds} rounds of ${perRound}`)
  printTable([
    ['step', 'us', 'times stat()', 'of openVmImage()'],
    ...Array.from(medians, ([name, us]) => [
      name,
      us.toFixed(1),
      (us / floor).toFixed(1),
      (us / whole).toFixed(2),
    ]),
  ])
}

async function takeTurns(
  steps: Readonly<Record<string, () => unknown>>,
): Promise<ReadonlyMap<string, number>> {
  const samples = new Map(Object.keys(steps).map((name) => [name, new Array<number>()]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, step] of Object.entries(steps)) {
      const walls: number[] = []
      for (let turn = 0; turn < perRound; turn += 1) {
        const start = process.hrtime.bigint()
        const result = step()
        // A synchronous step is not to pay for a turn of the event loop.
        if (result instanceof Promise) await result
        walls.push(Number(process.hrtime.bigint() - start) / 1000)
      }
      // Round 0 warms up the compiler and the file caches.
      if (round > 0) samples.get(name)?.push(median(walls))
    }
  }
  return new Map(Array.from(samples, ([name, all]) => [name, median(all)]))
}
