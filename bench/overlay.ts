/**
 * What an overlay costs: ours, `qemu-img create` through execa, and the floor (open, write and close of as many bytes
 * as qemu-img writes). All in one process, in interleaved rounds, each method of each round in a fresh directory.
 * Files are deleted only at the end: for minutes after a deletion ext4 looks for an inode that was not freed recently,
 * and each creation near by takes up to a millisecond more, whoever asks for it.
 *
 *     npx tsx bench/overlay.ts [directory]     default: the directory for temporary files
 */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { createOverlay } from '../src/qcow2/create.js'
import { inspectImage } from '../src/qcow2/inspect.js'
import { smallQcow2 } from '../fixtures/images/small-qcow2.js'
import { median } from './figures.js'

const rounds = 9
const qemuImgBytes = Buffer.alloc(196_768)
/** The disk for which an overlay by qemu-img has those 196,768 bytes. */
const tenGiB = 10 * 2 ** 30

interface Method {
  readonly name: string
  readonly filesPerRound: number
  readonly create: (path: string) => unknown
}

interface Sample {
  readonly wallUs: number
  readonly cpuUs: number
}

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'vmimage-bench-'))
try {
  await benchmark(join(directory, 'base.qcow2'))
} finally {
  rmSync(directory, { recursive: true })
}

async function benchmark(basePath: string): Promise<void> {
  writeFileSync(basePath, smallQcow2('bench'))
  const base = inspectImage(basePath)
  const methods: readonly Method[] = [
    {
      name: 'createOverlay',
      filesPerRound: 100,
      create: (path) => createOverlay(path, base, { sizeBytes: tenGiB }),
    },
    {
      name: 'createOverlay, dense',
      filesPerRound: 100,
      create: (path) => createOverlay(path, base, { sizeBytes: tenGiB, dense: true, extendedL2: false }),
    },
    { name: 'floor: open, write, close', filesPerRound: 100, create: writeSameBytes },
    {
      name: 'execa qemu-img create',
      filesPerRound: 40,
      create: (path) =>
        execa('qemu-img', ['create', '-f', 'qcow2', '-F', 'qcow2', '-b', basePath, path, String(tenGiB)]),
    },
  ]
  const samples = new Map<Method, Sample[]>(methods.map((method) => [method, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const method of methods) {
      const sample = await measure(method, join(directory, `${round}-${methods.indexOf(method)}`))
      // Round 0 warms up the compiler and the file caches.
      if (round > 0) samples.get(method)?.push(sample)
    }
  }
  print(samples)
}

/** Both calls of the floor: what Node itself needs to put these bytes into a new file. */
function writeSameBytes(path: string): void {
  const fd = openSync(path, 'wx', 0o600)
  writeSync(fd, qemuImgBytes)
  closeSync(fd)
}

async function measure({ filesPerRound, create }: Method, into: string): Promise<Sample> {
  mkdirSync(into)
  const paths = Array.from({ length: filesPerRound }, (_, index) => join(into, `${index}.qcow2`))
  const walls: number[] = []
  const cpuBefore = cpuUsOfAll()
  for (const path of paths) {
    const start = process.hrtime.bigint()
    await create(path)
    walls.push(Number(process.hrtime.bigint() - start) / 1000)
  }
  const cpuUs = (cpuUsOfAll() - cpuBefore) / filesPerRound
  return { wallUs: median(walls), cpuUs }
}

/** CPU time of this process and of its children that have ended. */
function cpuUsOfAll(): number {
  const { user, system } = process.cpuUsage()
  // proc(5): fields 16 and 17 are the children's time in ticks of 10 ms; the name in field 2 may contain blanks.
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)?.split(' ') ?? []
  return user + system + (Number(fields[13]) + Number(fields[14])) * 10_000
}

function print(samples: ReadonlyMap<Method, readonly Sample[]>): void {
  const rows = Array.from(samples, ([{ name, filesPerRound }, all]) => ({
    name,
    files: filesPerRound * rounds,
    wallUs: median(all.map(({ wallUs }) => wallUs)),
    // The children's time comes in ticks of 10 ms: over all rounds, so that they are many.
    cpuUs: all.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / rounds,
  }))
  const ours = rows[0]?.wallUs ?? Number.NaN
  console.log(
    `In ${directory}; median of ${rounds} rounds of the median of each; CPU with children, mean of all.\n`,
  )
  console.log('method                        files   wall us    CPU us   times createOverlay')
  for (const { name, files, wallUs, cpuUs } of rows) {
    const numbers = [wallUs.toFixed(1), cpuUs.toFixed(1)].map((text) => text.padStart(9)).join(' ')
    console.log(
      `${name.padEnd(28)} ${String(files).padStart(6)} ${numbers} ${(wallUs / ours).toFixed(2).padStart(9)}`,
    )
  }
}
