/**
 * The demo: examples/vitest-basic, run twice against publishers that live on this machine's loopback. It says in plain
 * words what vmimage did. No internet, no QEMU; everything happens in a temporary directory.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, watch } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishSmallImages } from '../fixtures/publishers.js'
import { installPackage } from '../test/support/install-package.js'
import { startMirror } from '../test/support/mirror.js'

const example = fileURLToPath(new URL('vitest-basic', import.meta.url))
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))

const directory = await mkdtemp(join(tmpdir(), 'vmimage-demo-'))
const project = join(directory, 'project')
const overlays = join(directory, 'overlays')
const env = {
  VMIMAGE_CACHE_DIR: join(directory, 'cache'),
  VMIMAGE_OVERLAY_DIR: overlays,
}

try {
  // As a user has it: the example in a directory of its own, the package in its node_modules.
  cpSync(example, project, { recursive: true })
  installPackage(join(project, 'node_modules'))
  say(
    '1. Publishers on the loopback: their true listings and file names, small images, matching checksum files, signed by a key of the demo.',
  )
  const site = join(directory, 'publishers')
  const { config } = await publishSmallImages(site)
  const mirror = await startMirror(site)
  say(`   They answer at ${mirror.url}; no other address is asked.`)

  say('\n2. First run, with an empty cache: the global setup finds, downloads and verifies each image.')
  const cold = await runTests({ ...env, VMIMAGE_MIRROR: mirror.url, VMIMAGE_CONFIG: config })
  const images = mirror.requests.filter(({ path }) => /\.(qcow2|img|xz)$/.test(path))
  say(`   ${mirror.requests.length} requests: listings, checksum files, and ${images.length} images:`)
  for (const { path, bytesSent } of images) say(`     ${Math.ceil(bytesSent / 1024)} KiB  ${path}`)
  say(`   ${cold.overlays} overlays were made for the tests; ${countFiles(join(overlays, 'run'))} are left.`)

  await mirror[Symbol.asyncDispose]()
  say('\n3. Second run, with the publishers switched off: everything comes from the cache.')
  const warm = await runTests({ ...env, VMIMAGE_MIRROR: mirror.url, VMIMAGE_CONFIG: config })
  say(
    `   No publisher was there to be asked. ${warm.overlays} overlays were made; ${countFiles(join(overlays, 'run'))} are left.`,
  )
  process.exitCode = cold.failed || warm.failed ? 1 : 0
} finally {
  await rm(directory, { recursive: true, force: true })
}

async function runTests(variables: Readonly<Record<string, string>>) {
  using counter = countOverlays(join(overlays, 'run'))
  const child = spawn(process.execPath, [vitest, 'run', '--root', project], {
    env: { ...process.env, ...variables, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.on('data', (data: Buffer) =>
    process.stdout.write(data.toString().replaceAll(/^(?=.)/gm, '   | ')),
  )
  const [code] = await once(child, 'close')
  return { failed: code !== 0, overlays: counter.names.size }
}

/** Overlays come and go within milliseconds, so they are counted by the names that the kernel reports. */
function countOverlays(runs: string): Disposable & { readonly names: ReadonlySet<string> } {
  mkdirSync(runs, { recursive: true, mode: 0o700 })
  const names = new Set<string>()
  const watchers = [
    watch(runs, (_, run) => {
      if (run !== null && readdirSync(runs).includes(run)) watchers.push(watchRun(join(runs, run)))
    }),
  ]
  const watchRun = (run: string) =>
    watch(run, (_, name) => {
      if (name?.endsWith('.qcow2')) names.add(name)
    })
  return { names, [Symbol.dispose]: () => watchers.forEach((watcher) => watcher.close()) }
}

function countFiles(path: string): number {
  return readdirSync(path, { recursive: true }).length
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
