/** The global setup: by hand and by the plugin, images that cannot be had, several projects, and every end. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { startMirror } from '../support/mirror.js'
import { openProject, type VitestRun } from './vitest-project.js'

const failedTests = ({ tests }: VitestRun) =>
  Object.keys(tests).filter((name) => tests[name]?.status === 'failed')

describe('without the plugin', () => {
  const system = 'https://images.test/system.qcow2'

  test.each([
    ['images that the configuration provides', { LISTED: system }],
    ['images of the environment', { VMIMAGE_IMAGES: system }],
    ['images of the environment besides those', { LISTED: 'cirros', VMIMAGE_IMAGES: system }],
  ])('tests get %s', async (_, env) => {
    await using mirror = await startMirror({ [`/${system.slice('https://'.length)}`]: smallQcow2('by hand') })
    await using project = await openProject('by-hand')
    const run = await project.run([], {
      ...env,
      IMAGE: system,
      VMIMAGE_MIRROR: mirror.url,
      VMIMAGE_MINIMUM_TRUST: 'unverified',
      VMIMAGE_KEEP: 'never',
    })
    expect(failedTests(run), run.output).toEqual([
      'a call with the context comes after the timeout of its test',
    ])
    expect(Object.keys(run.tests)).toHaveLength(14)
    expect(project.runDirectories()).toEqual([])
  })

  test('the setup file makes concurrent tests and beforeAll work', async () => {
    await using project = await openProject('by-hand')
    const run = await project.run(['--config=with-setup-file.config.ts'])
    expect(failedTests(run), run.output).toEqual([])
    expect(Object.keys(run.tests)).toHaveLength(3)
  })

  test('and without the global setup, the error says what to add', async () => {
    await using project = await openProject('by-hand')
    const run = await project.run(['--config=without-global-setup.config.ts'])
    expect(failedTests(run), run.output).toEqual([])
    expect(Object.keys(run.tests)).toHaveLength(1)
  })
})

describe('an image that cannot be had', () => {
  test('fails the tests that ask for it, with the original message', async () => {
    await using project = await openProject('prewarm')
    const run = await project.run()
    expect(failedTests(run), run.output).toEqual(['one is missing'])
    expect(run.tests['one is missing']?.message).toMatch(
      /pre-warming .*missing\.qcow2\.xz failed: .*missing\.qcow2\.xz/,
    )
    expect(project.runDirectories()).toEqual([])
  })

  test('fails the run when strict is set', async () => {
    await using project = await openProject('prewarm')
    const run = await project.run([], { STRICT: 'yes' })
    expect(run.code).toBe(1)
    expect(run.output).toContain('missing.qcow2.xz')
    expect(run.tests).toEqual({})
    expect(project.runDirectories()).toEqual([])
  })
})

test.each([
  ["{ minimumtrust: 'signed' }", 'there is no key "minimumtrust", but "minimumTrust"'],
  ["{ images: 'fedora' }", 'images is "fedora", expected "auto", or a list'],
])('options that mean nothing end the run before the first test: %s', async (options, said) => {
  await using project = await openProject('slow')
  writeFileSync(
    join(project.path, 'vitest.config.ts'),
    `import { vmImages } from 'vmimage/vitest/plugin'
    export default { plugins: [vmImages(${options})] }`,
  )
  const run = await project.run()
  expect(run.code).toBe(1)
  expect(run.output).toContain('INVALID_CONFIG')
  expect(run.output).toContain(said)
  expect(run.tests).toEqual({})
})

test('a project of CommonJS modules needs nothing else', async () => {
  await using project = await openProject('slow')
  writeFileSync(join(project.path, 'package.json'), '{ "type": "commonjs" }')
  const run = await project.run([], { QUICK: 'yes' })
  expect(run.code, run.output).toBe(0)
  expect(run.tests['ends']?.status).toBe('passed')
})

test('several projects share one run', async () => {
  await using project = await openProject('several')
  const run = await project.run()
  expect(run.code, run.output).toBe(0)
  const directories = [...run.output.matchAll(/run directory: (.*)/g)].map(([, directory]) => directory)
  expect(directories).toHaveLength(2)
  expect(new Set(directories).size).toBe(1)
  expect(project.runDirectories()).toEqual([])
})

describe('the end of the main process', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', undefined],
  ] as const)('by %s leaves nothing, and Vitest its exit code', async (signal, code) => {
    await using project = await openProject('slow')
    const vitest = project.start()
    await vitest.said(/opened .*\.qcow2/)
    expect(project.runDirectories()).not.toEqual([])
    vitest.child.kill(signal)
    const run = await vitest.ended
    expect(project.runDirectories()).toEqual([])
    if (code === undefined) expect(run.signal).toBe(signal)
    else expect(run.code).toBe(code)
  })

  test('by SIGKILL leaves what the next start removes', async () => {
    await using project = await openProject('slow')
    const vitest = project.start()
    await vitest.said(/opened .*\.qcow2/)
    vitest.child.kill('SIGKILL')
    await vitest.ended
    expect(project.runDirectories()).toHaveLength(2)
    const run = await project.run([], { QUICK: 'yes' })
    expect(run.code, run.output).toBe(0)
    expect(project.runDirectories()).toEqual([])
  })
})

test('a directory that is not ours survives the sweep', async () => {
  await using project = await openProject('slow')
  await project.run([], { QUICK: 'yes' })
  const note = join(project.path, 'overlays/run/notes.txt')
  writeFileSync(note, 'mine')
  await project.run([], { QUICK: 'yes' })
  expect(existsSync(note)).toBe(true)
})
