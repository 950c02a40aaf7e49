/**
 * What the adapters cost a test that opens no disk: 2000 empty tests in one file with and without vmimage, and the
 * import of vmimage/vitest in a worker beside that of a package with nothing in it. Each run is a process of its own;
 * both kinds take turns, and each comes first in every other round.
 *
 *     npm run build && npx tsx bench/adapters.ts [rounds, default 7]
 *
 * Jest comes from the registry, into a directory for temporary files.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from './figures.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const rounds = Number(process.argv[2] ?? 7)
const tests = 2000

interface Kind {
  readonly name: string
  /** Milliseconds. */
  readonly run: () => number
}

const directory = mkdtempSync(join(tmpdir(), 'vmimage-bench-'))
try {
  const vitest = makeProject('vitest')
  print(`Vitest, ${tests} empty tests in a file, ms per test`, takeTurns(emptyTestsInVitest(vitest)))
  print('Vitest, import in a worker, ms', takeTurns(importsInVitest(vitest)))
  const jest = makeProject('jest', ['jest@^30.0.0'])
  print(`Jest, ${tests} empty tests in a file, ms per test`, takeTurns(emptyTestsInJest(jest)))
} finally {
  rmSync(directory, { recursive: true })
}

function emptyTestsInVitest(project: string): readonly Kind[] {
  writeFileSync(
    join(project, 'empty.test.mjs'),
    `import fs from 'node:fs'\nimport { afterAll, test } from 'vitest'\n${emptyTests()}`,
  )
  writeFileSync(join(project, 'without.config.mjs'), 'export default {}\n')
  writeFileSync(
    join(project, 'with.config.mjs'),
    "import { vmImages } from 'vmimage/vitest/plugin'\nexport default { plugins: [vmImages({ images: [] })] }\n",
  )
  // What any setup file pays that wraps each test, whatever is in it.
  writeFileSync(
    join(project, 'around.mjs'),
    "import { aroundEach } from 'vitest'\naroundEach((runTest) => runTest())\n",
  )
  writeFileSync(
    join(project, 'around.config.mjs'),
    "export default { test: { setupFiles: ['./around.mjs'] } }\n",
  )
  const kinds = { without: 'without vmimage', with: 'with the plugin', around: 'empty aroundEach()' }
  return Object.entries(kinds).map(([name, title]) => ({
    name: title,
    run: () => runVitest(project, `${name}.config.mjs`, 'empty.test.mjs'),
  }))
}

/** Nothing of vmimage is loaded before: no plugin, no setup file. */
function importsInVitest(project: string): readonly Kind[] {
  const empty = join(project, 'node_modules/nothing-in-it')
  mkdirSync(empty)
  writeFileSync(join(empty, 'package.json'), '{ "type": "module", "exports": "./index.js" }\n')
  writeFileSync(join(empty, 'index.js'), 'export {}\n')
  return ['nothing-in-it', 'vmimage/vitest'].map((name, index) => {
    const file = `import-${index}.test.mjs`
    writeFileSync(
      join(project, file),
      `import { writeFileSync } from 'node:fs'
import { test } from 'vitest'
const start = performance.now()
await import('${name}')
writeFileSync(process.env.OUT, String(performance.now() - start))
test('is loaded', () => {})
`,
    )
    return { name, run: () => runVitest(project, 'without.config.mjs', file) }
  })
}

function emptyTestsInJest(project: string): readonly Kind[] {
  const kinds = { without: '', with: "require('vmimage/jest')\n" }
  writeFileSync(
    join(project, 'jest.config.js'),
    "module.exports = { transform: {}, reporters: ['<rootDir>/mute.js'] }\n",
  )
  return Object.entries(kinds).map(([name, first]) => {
    writeFileSync(join(project, `${name}.test.js`), `const fs = require('node:fs')\n${first}${emptyTests()}`)
    const args = [join(project, 'node_modules/jest/bin/jest.js'), '-i', '--silent']
    return { name: `${name} vmimage/jest`, run: () => runIn(project, [...args, `/${name}.test.js`]) }
  })
}

/** From the first test to the last, as the file sees it: the start of the runner is not in it. */
function emptyTests(): string {
  return `let start
test('first', () => { start = performance.now() })
for (let number = 0; number < ${tests}; number += 1) test('number ' + number, () => {})
afterAll(() => {
  const perTest = (performance.now() - start) / ${tests}
  fs.writeFileSync(process.env.OUT, String(perTest))
})
`
}

function runVitest(project: string, config: string, file: string): number {
  const vitest = join(project, 'node_modules/vitest/vitest.mjs')
  return runIn(project, [vitest, 'run', '--config', config, '--reporter=dot', file])
}

function runIn(project: string, args: readonly string[]): number {
  const out = join(project, 'out')
  rmSync(out, { force: true })
  const env = {
    ...process.env,
    OUT: out,
    VMIMAGE_OFFLINE: '1',
    VMIMAGE_CACHE_DIR: join(project, 'cache'),
    VMIMAGE_OVERLAY_DIR: join(project, 'overlays'),
  }
  execFileSync(process.execPath, args, { cwd: project, env, stdio: ['ignore', 'ignore', 'pipe'] })
  return Number(readFileSync(out, 'utf8'))
}

/** A project that has vmimage as from the registry, not as a link that a runner would take for its own sources. */
function makeProject(name: string, packages: readonly string[] = []): string {
  const project = join(directory, name)
  const modules = join(project, 'node_modules')
  mkdirSync(modules, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n')
  writeFileSync(join(project, 'mute.js'), 'module.exports = class {}\n')
  if (packages.length > 0) {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], {
      cwd: project,
      stdio: 'inherit',
    })
  }
  const theirs = join(root, 'node_modules')
  for (const entry of readdirSync(theirs)) {
    if (!entry.startsWith('.') && !existsSync(join(modules, entry)))
      symlinkSync(join(theirs, entry), join(modules, entry))
  }
  mkdirSync(join(modules, 'vmimage'))
  for (const entry of ['package.json', 'dist']) {
    cpSync(join(root, entry), join(modules, 'vmimage', entry), { recursive: true })
  }
  return project
}

/** The figures of each kind, in the order of the rounds; the first round warms the file caches and does not count. */
function takeTurns(kinds: readonly Kind[]): ReadonlyMap<string, readonly number[]> {
  const figures = new Map<string, number[]>(kinds.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, run } of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const figure = run()
      if (round > 0) figures.get(name)?.push(figure)
    }
  }
  return figures
}

function print(title: string, figures: ReadonlyMap<string, readonly number[]>): void {
  console.log(`\n${title}; ${rounds} rounds\n${' '.repeat(26)}     min  median     max`)
  const [without, ...others] = figures
  const rows = [
    ...figures,
    ...others.map(([name, values]) => [`${name}, more`, differences(values, without?.[1])] as const),
  ]
  for (const [name, values] of rows) {
    const numbers = [Math.min(...values), median(values), Math.max(...values)]
    console.log(`${name.padEnd(26)} ${numbers.map((number) => number.toFixed(4).padStart(8)).join('')}`)
  }
}

/** Round by round. */
function differences(values: readonly number[], without: readonly number[] = []): readonly number[] {
  return values.map((value, round) => value - (without[round] ?? Number.NaN))
}
