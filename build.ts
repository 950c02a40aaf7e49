/**
 * Builds dist/: ES modules file by file with tsc, and what CommonJS gets as one file for each entry.
 *
 * One file, because Jest evaluates the code of a worker for each test file anew (one takes it 10 ms, a hundred take it
 * 150), and because it refuses to load another one between two tests, where concurrent ones may still ask for a disk.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('.', import.meta.url))

/** What of the main process CommonJS asks for: Node lends it the ES module, of which there is then one copy. */
const lentAdapters = {
  'jest-global-setup': 'default',
  'jest-global-teardown': 'default',
  'node-test': 'names',
  playwright: 'names',
  'playwright-global-setup': 'default',
} as const

/** What both may need of packages is required when it is needed, except for what is asked between two tests. */
const heavyPackages = ['htmlparser2', 'openpgp', 'proper-lockfile', 'tmp-promise', 'undici', 'xz-decompress']

rmSync(new URL('dist', import.meta.url), { recursive: true, force: true })
tsc('tsconfig.build.json')
// Only the types: those of CommonJS have to lie where Node takes files for CommonJS.
tsc('tsconfig.cjs.json')
writeFileSync(new URL('dist/cjs/package.json', import.meta.url), '{ "type": "commonjs" }\n')
for (const [name, exported] of Object.entries(lentAdapters)) {
  const module = `require('../../adapters/${name}.js')`
  const code =
    exported === 'names'
      ? `module.exports = ${module}\n`
      : `Object.defineProperty(exports, '__esModule', { value: true })\nexports.default = ${module}.default\n`
  writeFileSync(new URL(`dist/cjs/adapters/${name}.js`, import.meta.url), code)
}
await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts', 'src/adapters/jest.ts'],
  outbase: 'src',
  outdir: 'dist/cjs',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  external: heavyPackages,
  // Jest's sandbox has none.
  supported: { 'dynamic-import': false },
  banner: { js: '/* Contains fastest-levenshtein, (c) Kasper Unn Weihe, MIT licence. */' },
})

function tsc(project: string): void {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], {
    cwd: root,
    stdio: 'inherit',
  })
}
