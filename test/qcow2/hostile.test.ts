/**
 * Hostile input: no file makes examineImage() throw, hang or grow, and what it lets in QEMU takes for the same image,
 * with nothing outside itself. `npm run test:qcow2 -- --cases 1000000` is the long form; the seed in the title makes
 * the same files again (VMIMAGE_QCOW2_SEED).
 */
import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { examineImage, type ImageReport } from '../../src/qcow2/examine.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { type Mutant, mutant } from './mutations.js'
import { type Opinion, startStorageDaemon } from './storage-daemon.js'

const cases = Number(process.env['VMIMAGE_QCOW2_CASES'] ?? 4000)
const seed = Number(process.env['VMIMAGE_QCOW2_SEED'] ?? Date.now() % 2 ** 31)
/** QEMU is asked about so many of those that are let in, spread over all. */
const mostJudged = cases > 10_000 ? 20_000 : 1000
const mostSeconds = 5
const mostGrowthBytes = 64 * 2 ** 20

interface Accepted {
  readonly path: string
  readonly report: ImageReport
}

test(`${cases} mutants, seed ${seed}`, { timeout: 60_000 + cases * 10 }, async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  const accepted: Accepted[] = []
  const told = { run: 0, accepted: 0, slowestMs: 0, startRss: 0, mostRss: 0, mutantsMs: 0, judged: 0 }
  const every = Math.ceil(cases / mostJudged)
  const begin = performance.now()
  fc.assert(
    fc.property(mutant, (each) => {
      write(path, each)
      const start = performance.now()
      const report = examineImage(path)
      told.slowestMs = Math.max(told.slowestMs, performance.now() - start)
      told.run += 1
      watchMemory(told)
      if (report.breaches.length > 0) return
      told.accepted += 1
      if (report.format !== 'qcow2' || told.accepted % every !== 0) return
      const kept = join(dir.path, String(accepted.length))
      renameSync(path, kept)
      accepted.push({ path: kept, report })
    }),
    { numRuns: cases, seed },
  )
  told.mutantsMs = Math.round(performance.now() - begin)
  told.judged = await judge(accepted)
  console.log(told, `growth ${Math.round((told.mostRss - told.startRss) / 2 ** 20)} MiB`)
  expect(told.slowestMs).toBeLessThan(mostSeconds * 1000)
  expect(told.mostRss - told.startRss).toBeLessThan(mostGrowthBytes)
  expect(told.judged).toBeGreaterThan(100)
})

function write(path: string, { bytes, fileBytes }: Mutant): void {
  const fd = openSync(path, 'w')
  writeSync(fd, bytes)
  ftruncateSync(fd, fileBytes)
  closeSync(fd)
}

/** From the first quarter on: until then the code is being compiled, and the heap finds its size. */
function watchMemory(told: { readonly run: number; startRss: number; mostRss: number }): void {
  if (told.run % 100 !== 0) return
  const rss = process.memoryUsage.rss()
  if (told.run <= cases / 4) told.startRss = Math.max(told.startRss, rss)
  told.mostRss = Math.max(told.mostRss, rss)
}

/** Holds each against QEMU; every hundredth against qemu-img too. */
async function judge(accepted: readonly Accepted[]): Promise<number> {
  await using daemon = await startStorageDaemon()
  for (const [index, { path, report }] of accepted.entries()) {
    const opinion = await daemon.open(path)
    if (typeof opinion === 'string') throw new Error(`${opinion}: ${hexOf(path)}`)
    compare(opinion, report)
    if (index % 100 !== 0) continue
    compare(JSON.parse(await qemuImg('info', '-f', 'qcow2', '--output=json', path)), report)
  }
  return accepted.length
}

function hexOf(path: string): string {
  return readFileSync(path).toString('hex', 0, 256)
}

function compare(opinion: Opinion, { virtualSizeBytes, qcow2 }: ImageReport): void {
  expect(opinion['virtual-size']).toBe(virtualSizeBytes)
  expect(opinion['cluster-size']).toBe(qcow2?.clusterBytes)
  expect(opinion).not.toHaveProperty('backing-filename')
  expect(opinion).not.toHaveProperty('full-backing-filename')
  expect(opinion['format-specific'].data).not.toHaveProperty('data-file')
  expect(opinion.encrypted ?? false).toBe(false)
  expect(opinion.snapshots ?? []).toEqual([])
}
