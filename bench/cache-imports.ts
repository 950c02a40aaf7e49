/**
 * What a test's worker loads before its first disk, against the packages that it therefore does not load. Each import in
 * a fresh process, in turns; the time is that of the import alone. Of the built package: run `npm run build` first.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median, printTable } from './figures.js'

const run = promisify(execFile)
const rounds = 15
const root = fileURLToPath(new URL('../', import.meta.url))

/** What `vmimage/vitest` imports besides Vitest, which is loaded already where a test runs. */
const worker = 'the path of a worker: scope, overlay, lease'
const imports: Readonly<Record<string, string>> = {
  [worker]: './dist/run/scope.js',
  'the whole core, for openVmImage()': './dist/index.js',
  'the cold path: network, signatures, lock': './dist/image/fetch-base-image.js',
  undici: 'undici',
  execa: 'execa',
  'proper-lockfile': 'proper-lockfile',
  'tmp-promise': 'tmp-promise',
}

export async function benchImports(): Promise<void> {
  const samples = new Map(Object.keys(imports).map((name) => [name, new Array<number>()]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, specifier] of Object.entries(imports)) {
      const ms = await importMs(specifier)
      // Round 0 warms up the file caches.
      if (round > 0) samples.get(name)?.push(ms)
    }
  }
  const medians = Array.from(samples, ([name, all]) => [name, median(all)] as const)
  const ours = median(samples.get(worker) ?? [])
  console.log(`\nImports, median of ${rounds} processes each`)
  printTable([
    ['what', 'ms', 'times the worker’s'],
    ...medians.map(([name, ms]) => [name, ms.toFixed(1), (ms / ours).toFixed(1)]),
  ])
}

async function importMs(specifier: string): Promise<number> {
  const code = `const start = performance.now(); await import(${JSON.stringify(specifier)}); console.log(performance.now() - start)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: root })
  return Number(stdout)
}
