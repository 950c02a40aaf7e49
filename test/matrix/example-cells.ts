/**
 * The examples as a user has them: what their package.json asks for from the registry, vmimage from the tarball, and
 * `npm test` twice, with an empty cache and then without a network.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CellRun, Lab, MatrixCell } from './matrix-cell.js'
import { cleanEnvironment, namesIn } from './project.js'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

export function exampleCells(): readonly MatrixCell[] {
  return readdirSync(examples)
    .filter((name) => existsSync(join(examples, name, 'package.json')))
    .map((name) => ({ name: `example ${name}`, run: (lab) => runExample(name, lab) }))
}

async function runExample(name: string, lab: Lab): Promise<CellRun> {
  const packages = packagesOf(name)
  // Examples of one framework have one installation.
  const label = `example ${packages.join(' ')}`.replaceAll(/[^\w.]+/g, '-')
  const installation = await lab.installations.install(label, packages)
  const start = performance.now()
  const directory = join(installation.directory, 'cells', name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  cpSync(join(examples, name), directory, { recursive: true })
  symlinkSync(installation.nodeModules, join(directory, 'node_modules'))
  const env = {
    ...cleanEnvironment(),
    VMIMAGE_CACHE_DIR: join(directory, 'cache'),
    VMIMAGE_OVERLAY_DIR: join(directory, 'overlays'),
    VMIMAGE_MIRROR: lab.mirrorUrl,
    VMIMAGE_CONFIG: lab.config,
  }
  const cold = await npmTest(directory, env)
  const images = namesIn(join(directory, 'cache/v1/images')).length
  const warm = await npmTest(directory, { ...env, VMIMAGE_OFFLINE: '1' })
  const left = ['cache/v1/run', 'overlays/run'].flatMap((path) => namesIn(join(directory, path)))
  const differences = [
    {
      row: 'example: it passes with an empty cache',
      isRight: cold.code === 0,
      text: `npm test ended with ${cold.code}`,
    },
    { row: 'example: images were fetched', isRight: images > 0, text: 'the cache has none' },
    {
      row: 'example: it passes without a network',
      isRight: warm.code === 0,
      text: `npm test ended with ${warm.code}`,
    },
    { row: 'example: left in the directories of runs', isRight: left.length === 0, text: left.join(' ') },
  ].filter(({ isRight }) => !isRight)
  const failed = [cold, warm].find(({ code }) => code !== 0)
  return {
    result: {
      version: process.versions.node,
      passed: 4 - differences.length,
      total: 4,
      seconds: (performance.now() - start) / 1000,
      differences,
    },
    tail: failed ? failed.output.trimEnd().split('\n').slice(-40) : [],
  }
}

/** `vitest@^4.1.12`, for each that the example is developed with. */
function packagesOf(name: string): readonly string[] {
  const text = readFileSync(join(examples, name, 'package.json'), 'utf8')
  const { devDependencies } = JSON.parse(text) as { devDependencies: Record<string, string> } // ours
  return Object.entries(devDependencies)
    .filter(([dependency]) => dependency !== 'vmimage')
    .map(([dependency, range]) => `${dependency}@${range}`)
}

async function npmTest(cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn('npm', ['test'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null] // of a child's 'close' event
  return { code, output }
}
