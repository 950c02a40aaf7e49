/**
 * What an overlay costs: ours, qemu-img's in a process of its own, and what Node itself needs for a new file. All in
 * one process, in interleaved rounds, each method of each round in a fresh directory, on the disk and on a tmpfs, one
 * after the other and eight at once; then what it costs to delete them, and how long a large one holds the event loop.
 * Files are deleted only at the end: for minutes after a deletion ext4 looks for an inode that was not freed recently,
 * and each creation near by takes up to a millisecond more, whoever asks for it.
 *
 *     npx tsx bench/overlay.ts [directory...]     default: the directory for temporary files, and /dev/shm
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { smallQcow2 } from '../fixtures/images/small-qcow2.js'
import { inspectImage } from '../src/qcow2/inspect.js'
import { median, printTable } from './figures.js'
import { benchDeletion } from './overlay-deletion.js'
import { type Method, methodsFor } from './overlay-methods.js'

const rounds = 7
const shared = '/dev/shm'
const places = process.argv.length > 2 ? process.argv.slice(2) : [tmpdir(), shared].filter(existsSync)

interface Sample {
  readonly wallUs: number
  readonly atOnceUs: number
  readonly cpuUs: number
  readonly deleteUs: number
}

for (const place of places) {
  const directory = mkdtempSync(join(place, 'vmimage-bench-'))
  try {
    await benchmark(directory)
    await benchDeletion(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function benchmark(directory: string): Promise<void> {
  const basePath = join(directory, 'base.qcow2')
  writeFileSync(basePath, smallQcow2('bench'))
  const methods = methodsFor(inspectImage(basePath))
  const samples = new Map<Method, Sample[]>(methods.map((method) => [method, []]))
  const made: { readonly method: Method; readonly round: number; readonly paths: readonly string[] }[] = []
  for (let round = 0; round <= rounds; round += 1) {
    for (const method of startingWith(methods, round)) {
      const into = join(directory, `${round}-${methods.indexOf(method)}`)
      const { paths, ...sample } = await measure(method, into)
      made.push({ method, round, paths })
      // Round 0 warms up the compiler and the file caches.
      if (round > 0) samples.get(method)?.push({ ...sample, deleteUs: 0 })
    }
  }
  // Deleted at last, in the order in which they were made.
  for (const { method, round, paths } of made) {
    const deleteUs = median(paths.map(timeOfDeletion))
    const known = samples.get(method)
    const sample = known?.[round - 1]
    if (known && sample) known[round - 1] = { ...sample, deleteUs }
  }
  print(directory, samples)
}

/** Another method begins each round: what comes after processes that flush finds the machine's caches cold. */
function startingWith(methods: readonly Method[], round: number): readonly Method[] {
  const first = round % methods.length
  return [...methods.slice(first), ...methods.slice(0, first)]
}

function timeOfDeletion(path: string): number {
  const start = process.hrtime.bigint()
  unlinkSync(path)
  return Number(process.hrtime.bigint() - start) / 1000
}

/** One half of the files one after the other, each timed; the other half eight at once, timed together. */
async function measure({ filesPerRound, create }: Method, into: string) {
  mkdirSync(into)
  const names = (half: string) =>
    Array.from({ length: filesPerRound }, (_, index) => join(into, `${half}-${index}.qcow2`))
  const [one, eight] = [names('one'), names('eight')]
  const walls: number[] = []
  const cpuBefore = cpuUsOfAll()
  for (const path of one) {
    const start = process.hrtime.bigint()
    await create(path)
    walls.push(Number(process.hrtime.bigint() - start) / 1000)
  }
  const cpuUs = (cpuUsOfAll() - cpuBefore) / one.length
  const start = process.hrtime.bigint()
  const waiting = [...eight]
  const lane = async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) await create(path)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  const atOnceUs = Number(process.hrtime.bigint() - start) / 1000 / eight.length
  return { wallUs: median(walls), atOnceUs, cpuUs, paths: [...one, ...eight] }
}

/** CPU time of this process and of its children that have ended. */
function cpuUsOfAll(): number {
  const { user, system } = process.cpuUsage()
  // proc(5): fields 16 and 17 are the children's time in ticks of 10 ms; the name in field 2 may contain blanks.
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)?.split(' ') ?? []
  return user + system + (Number(fields[13]) + Number(fields[14])) * 10_000
}

function print(directory: string, samples: ReadonlyMap<Method, readonly Sample[]>): void {
  const rows = Array.from(samples, ([{ name, filesPerRound }, all]) => ({
    name,
    files: filesPerRound * 2 * rounds,
    wallUs: median(all.map(({ wallUs }) => wallUs)),
    atOnceUs: median(all.map(({ atOnceUs }) => atOnceUs)),
    // The children's time comes in ticks of 10 ms: over all rounds, so that they are many.
    cpuUs: all.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / rounds,
    deleteUs: median(all.map(({ deleteUs }) => deleteUs)),
  }))
  const ours = rows[0]?.wallUs ?? Number.NaN
  console.log(
    `\nIn ${directory} (device ${statSync(directory).dev}); us each, median of ${rounds} rounds of the median of each; CPU with children.\n`,
  )
  printTable([
    ['method', 'files', 'one by one', '8 at once', 'CPU', 'delete', 'times the first'],
    ...rows.map(({ name, files, wallUs, atOnceUs, cpuUs, deleteUs }) => [
      name,
      String(files),
      ...[wallUs, atOnceUs, cpuUs, deleteUs].map((us) => us.toFixed(1)),
      (wallUs / ours).toFixed(2),
    ]),
  ])
}
