/** What a worker loads. Milliseconds of every test file hang on it: undici alone takes 80. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openProject, type VitestProject } from './vitest-project.js'

const recorder = fileURLToPath(new URL('record-imports.mjs', import.meta.url))
const heavy =
  /\/(undici|proper-lockfile|tmp-promise|htmlparser2|xz-decompress)\/|\/vmimage\/dist\/(resolve|fetch)\//

test.each([
  ['a disk', {}],
  ['a disk on a file that nobody listed', { UNLISTED: 'yes' }],
])('a worker that opens %s loads nothing of the network, of programs or of locks', async (_, env) => {
  await using project = await openProject('slow')
  const processes = await recordImports(project, env)
  const worker = processes.find((urls) => urls.includes('dist/adapters/vitest.js')) ?? ''
  expect(worker).toContain('dist/image/overlay.js')
  expect(worker.split('\n').filter((url) => heavy.test(url))).toEqual([])
})

test('the plugin loads nothing but itself', async () => {
  await using project = await openProject('slow')
  const processes = await recordImports(project)
  const main = processes.find((urls) => urls.includes('dist/adapters/vitest-plugin.js')) ?? ''
  // Up to the global setup, which is what comes after the configuration.
  const configuration = main.slice(0, main.indexOf('dist/adapters/vitest-global-setup.js'))
  const ours = configuration.split('\n').filter((url) => url.includes('/vmimage/dist/'))
  expect(ours.map((url) => url.replace(/.*\/dist\//, ''))).toEqual([
    'adapters/vitest-plugin.js',
    'adapters/vitest-options.js',
    'run/process-wide.js',
  ])
})

/** The modules of each process, one text each. */
async function recordImports(
  project: VitestProject,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const directory = join(project.path, 'imports')
  mkdirSync(directory)
  const run = await project.run(['--pool=forks'], {
    ...env,
    QUICK: 'yes',
    IMPORTS: directory,
    NODE_OPTIONS: `--import=${recorder}`,
  })
  expect(run.code, run.output).toBe(0)
  return readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
}
