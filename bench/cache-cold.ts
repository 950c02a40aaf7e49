/**
 * The cold path: eight processes that want one image at the same moment, against one. What the others cost is what the
 * lock, the waiting and the one download among eight cost; the bytes show that there was one.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { smallQcow2 } from '../fixtures/images/small-qcow2.js'
import { openVmImage } from '../src/image/open.js'
import type { Options } from '../src/options.js'
import { acme, startPublisher } from '../test/support/publisher.js'
import { median, printTable } from './figures.js'

const mebibytes = 256
const rounds = 5
const script = fileURLToPath(import.meta.url)

interface Sample {
  readonly slowestMs: number
  readonly servedMiB: number
}

export async function benchCold(): Promise<void> {
  // A small system, and after it bytes that no cluster points at: all of them are served, hashed and written.
  const image = Buffer.concat([smallQcow2('bench'), randomBytes(mebibytes * 2 ** 20)])
  await using publisher = await startPublisher({ '1': image })
  const { mirror, options } = publisher
  const path = publisher.path('1')
  const measure = async (processes: number): Promise<Sample> => {
    const before = mirror.bytesServed(path)
    const slowestMs = await openAtOnce(processes, options)
    rmSync(join(publisher.directory, 'cache'), { recursive: true })
    return { slowestMs, servedMiB: (mirror.bytesServed(path) - before) / 2 ** 20 }
  }
  const samples: [one: Sample, eight: Sample][] = []
  for (let round = 0; round <= rounds; round += 1) {
    const pair: [Sample, Sample] = [await measure(1), await measure(8)]
    // Round 0 warms up the file caches.
    if (round > 0) samples.push(pair)
  }
  const [one, eight] = [0, 1].map((index) => samples.flatMap((pair) => pair[index] ?? []))
  console.log(`\nCold, ${mebibytes} MiB on the loopback, the slowest process, median of ${rounds} rounds`)
  printTable([
    ['processes', 'ms', 'MiB served'],
    ...[one, eight].map((all = [], index) => [
      String(index === 0 ? 1 : 8),
      median(all.map(({ slowestMs }) => slowestMs)).toFixed(0),
      median(all.map(({ servedMiB }) => servedMiB)).toFixed(1),
    ]),
  ])
  const ratios = samples.map(([alone, together]) => together.slowestMs / alone.slowestMs)
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)]
  console.log(
    `eight / one, by pairs: ${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
  )
}

/** Milliseconds from the word to the disk of the slowest of so many processes, which were ready before it. */
async function openAtOnce(processes: number, { mirror, cacheDir, overlayDir }: Options): Promise<number> {
  const children = Array.from({ length: processes }, () =>
    fork(script, [JSON.stringify({ mirror, cacheDir, overlayDir, arch: 'x86_64' })], {
      execArgv: ['--import', 'tsx'],
    }),
  )
  await Promise.all(children.map(nextMessage))
  const answers = children.map(nextMessage)
  for (const one of children) one.send('go')
  return Math.max(...(await Promise.all(answers)).map(Number))
}

async function nextMessage(worker: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const ended = once(worker, 'exit', over).then(([code]: unknown[]) => {
    throw new Error(`A process ended with ${String(code)}.`)
  })
  try {
    const [message]: unknown[] = await Promise.race([once(worker, 'message', over), ended])
    return message
  } finally {
    over.abort()
  }
}

/** Loads what the cold path loads, which happens once per test run and not per image, and then waits for the word. */
async function child(text: string): Promise<void> {
  const options: Options = JSON.parse(text)
  const modules = ['../src/image/fetch-base-image.js', 'undici', 'proper-lockfile']
  await Promise.all(modules.map((name) => import(name)))
  process.send?.('ready')
  await once(process, 'message')
  const start = performance.now()
  const image = await openVmImage({ provider: acme }, options)
  process.send?.(performance.now() - start)
  await image.dispose()
  process.disconnect()
}

if (process.argv[1] === script) await child(process.argv[2] ?? '{}')
