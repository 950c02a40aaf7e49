/**
 * bench/fetch: download() beside curl, on a file of random bytes that a server on this machine sends over the loopback.
 *
 *   npx tsx bench/fetch.ts [MiB, default 1024] [rounds, default 5]
 *
 * Each round runs, one after the other: download() with its SHA-256, `curl -o`, and `curl | tee | openssl dgst`, all into
 * a tmpfs when there is one, so that no disk is measured, and each over its file of the round before: a machine that gives
 * freed memory back to its host takes as long to get it again as the whole rest. It prints times and ratios and leaves the verdict to the reader.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants, createReadStream } from 'node:fs'
import { access, mkdir, mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeContext } from '../src/context.js'
import { parseDigest } from '../src/digest.js'
import { download } from '../src/fetch/download.js'
import { median } from './figures.js'

const run = promisify(execFile)

interface Sample {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakMiB?: number
}

async function main([mebibytes = '1024', rounds = '5']: readonly string[]): Promise<void> {
  const directory = await mkdtemp(join(await roomFor(3 * Number(mebibytes)), 'vmimage-bench-'))
  try {
    const digest = await makeFile(join(directory, 'file'), Number(mebibytes))
    await writeFile(join(directory, 'small'), 'small')
    await using server = await startServer(directory)
    const contenders = {
      'download()': () => ours(server.url, directory, digest),
      'curl -o': () => shell(`curl -sSf -o ${directory}/a ${server.url}`),
      'curl | tee | openssl': () =>
        shell(`curl -sSf ${server.url} | tee ${directory}/b | openssl dgst -sha256 | grep -q ${digest}`),
    }
    const samples = new Map(Object.keys(contenders).map((name) => [name, new Array<Sample>()]))
    for (let round = 0; round <= Number(rounds); round += 1) {
      for (const [name, measure] of Object.entries(contenders)) {
        const sample = await measure()
        if (round > 0) samples.get(name)?.push(sample) // the first round only warms up
      }
    }
    console.log(`${mebibytes} MiB from ${server.name} to ${directory}, ${rounds} rounds`)
    printTable(samples)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A process of its own, so that its memory is its own. Its times begin when Node and undici are loaded, once per run of tests. */
async function ours(url: string, directory: string, digest: string): Promise<Sample> {
  const target = join(directory, 'ours')
  await mkdir(target, { recursive: true })
  await rm(join(target, 'state.json'), { force: true }) // starts over in the same file, as curl and tee do
  const script = fileURLToPath(import.meta.url)
  const { stdout } = await run(process.execPath, ['--import', 'tsx', script, '--child', url, target, digest])
  const sample: Sample = JSON.parse(stdout)
  return sample
}

async function child([url = '', directory = '', digest = '']: readonly string[]): Promise<void> {
  const request = { name: 'bench', urls: [url], directory, digest: parseDigest(`sha256:${digest}`) }
  const context = makeContext({}, {})
  await context.http.text(url.replace(/file$/, 'small'))
  const startCpu = process.cpuUsage()
  const start = performance.now()
  await download({ ...request, sizeBytes: undefined }, context)
  const wallMs = performance.now() - start
  const cpu = process.cpuUsage(startCpu)
  await context.http.close()
  const peakMiB = process.resourceUsage().maxRSS / 1024
  console.log(JSON.stringify({ wallMs, cpuMs: (cpu.user + cpu.system) / 1000, peakMiB }))
}

/** Times a line of bash, with all processes in it. */
async function shell(line: string): Promise<Sample> {
  const { stderr } = await run('bash', ['-c', `set -eo pipefail; TIMEFORMAT='%R %U %S'; time { ${line}; }`])
  const [real = 0, user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { wallMs: real * 1000, cpuMs: (user + system) * 1000 }
}

async function makeFile(path: string, mebibytes: number): Promise<string> {
  const hash = createHash('sha256')
  await using file = await open(path, 'w')
  for (let done = 0; done < mebibytes; done += 1) {
    const bytes = randomBytes(2 ** 20)
    hash.update(bytes)
    await file.write(bytes)
  }
  return hash.digest('hex')
}

/** nginx where it is installed: a server that costs little, in a process of its own. */
async function startServer(directory: string) {
  const nginx = await access('/usr/sbin/nginx', constants.X_OK).then(
    () => true,
    () => false,
  )
  const port = await freePort()
  const config = join(directory, 'nginx.conf')
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr crit; user ${process.env['USER'] ?? 'root'};
    events {} http { access_log off; sendfile on; server { listen 127.0.0.1:${port}; root ${directory}; } }`,
  )
  const server = nginx
    ? spawn('/usr/sbin/nginx', ['-e', 'stderr', '-c', config], { stdio: ['ignore', 'ignore', 'inherit'] })
    : spawn(process.execPath, [
        '--import',
        'tsx',
        fileURLToPath(import.meta.url),
        '--server',
        directory,
        String(port),
      ])
  const url = `http://127.0.0.1:${port}/file`
  for (let attempts = 0; attempts < 100; attempts += 1) {
    if (
      await fetch(url.replace(/file$/, 'small')).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    name: nginx ? 'nginx' : 'a Node server',
    url,
    async [Symbol.asyncDispose]() {
      server.kill()
      await once(server, 'exit')
    },
  }
}

async function serve([directory = '', port = '']: readonly string[]): Promise<void> {
  const server = createServer((request, response) => {
    createReadStream(join(directory, request.url ?? ''), { highWaterMark: 2 ** 18 }).pipe(response)
  })
  server.listen(Number(port), '127.0.0.1')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

async function roomFor(mebibytes: number): Promise<string> {
  const room = await statfs('/dev/shm').catch(() => undefined)
  return room && room.bavail * room.bsize > mebibytes * 2 ** 20 ? '/dev/shm' : tmpdir()
}

function printTable(samples: ReadonlyMap<string, readonly Sample[]>): void {
  const reference = samples.get('curl | tee | openssl') ?? []
  for (const [name, taken] of samples) {
    const [wall, cpu] = [taken.map(({ wallMs }) => wallMs), taken.map(({ cpuMs }) => cpuMs)]
    const other = reference.map(({ wallMs }) => wallMs)
    const ratios = [median(wall) / median(other), Math.min(...wall) / Math.min(...other)]
    const peak = Math.max(0, ...taken.map(({ peakMiB = 0 }) => peakMiB))
    console.log(
      `${name.padEnd(22)} wall median ${seconds(median(wall))} min ${seconds(Math.min(...wall))}` +
        `  CPU median ${seconds(median(cpu))} min ${seconds(Math.min(...cpu))}` +
        `  wall / (curl | tee | openssl): medians ${ratios.map((ratio) => ratio.toFixed(2)).join(', minima ')}` +
        (peak > 0 ? `  peak RSS ${peak.toFixed(0)} MiB` : ''),
    )
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

const [mode, ...rest] = process.argv.slice(2)
if (mode === '--child') await child(rest)
else if (mode === '--server') await serve(rest)
else await main(process.argv.slice(2))
