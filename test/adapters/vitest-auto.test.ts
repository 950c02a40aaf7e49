/** Images that no list names: the global setup finds them in the test files. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { startMirror } from '../support/mirror.js'
import { openProject, type VitestRun } from './vitest-project.js'

const names = ['one', 'two', 'three', 'four']

/** A mirror with an image of each name, and what was downloaded from it. */
async function startImages() {
  const mirror = await startMirror(
    Object.fromEntries(names.map((name) => [`/images.test/${name}.qcow2`, smallQcow2(name)])),
  )
  const downloads = () =>
    [...new Set(mirror.requests.map(({ path }) => path.replace(/.*\/(.*)\.qcow2/, '$1')))].toSorted()
  return { mirror, downloads, [Symbol.asyncDispose]: () => mirror[Symbol.asyncDispose]() }
}

const failedTests = ({ tests }: VitestRun) =>
  Object.keys(tests).filter((name) => tests[name]?.status === 'failed')

test('literals of the test files and of what they import are fetched before the tests', async () => {
  await using images = await startImages()
  await using project = await openProject('auto')
  const run = await project.run([], { VMIMAGE_MIRROR: images.mirror.url })
  expect(failedTests(run), run.output).toEqual([])
  expect(Object.keys(run.tests)).toHaveLength(5)
  expect(images.downloads()).toEqual(['one', 'three', 'two'])
})

test('one line names the calls that cannot be read', async () => {
  await using images = await startImages()
  await using project = await openProject('auto')
  const { output } = await project.run([], { VMIMAGE_MIRROR: images.mirror.url })
  expect(output.match(/^vmimage: warning: cannot tell .*$/gm)).toEqual([
    "vmimage: warning: cannot tell which image is meant at one.spec.ts:15 (useVmImage(process.env['IMAGE'] ?? '')): list it in images",
  ])
})

test('of a run of some files, only what these ask for is fetched', async () => {
  await using images = await startImages()
  await using project = await openProject('auto')
  const run = await project.run(['three'], { VMIMAGE_MIRROR: images.mirror.url })
  expect(run.code, run.output).toBe(0)
  expect(images.downloads()).toEqual(['three'])
})

test('a list stands for itself: nothing is looked for', async () => {
  await using images = await startImages()
  await using project = await openProject('auto')
  const run = await project.run(['three'], { VMIMAGE_MIRROR: images.mirror.url, LISTED: '' })
  expect(run.tests['another file']?.message).toContain('nobody fetched it under this name before the tests')
  expect(images.downloads()).toEqual([])
})

test('in watch mode, what a changed file asks for is fetched before it runs again', async () => {
  await using images = await startImages()
  await using project = await openProject('auto')
  const vitest = project.start(['--watch', 'three'], { VMIMAGE_MIRROR: images.mirror.url })
  await vitest.said(/Waiting for file changes/)
  const file = join(project.path, 'three.spec.ts')
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('three', 'four'))
  await vitest.said(/RERUN[^]*(?:1 passed|1 failed)[^]*Waiting for file changes/)
  vitest.child.kill('SIGTERM')
  const { output } = await vitest.ended
  expect(output).not.toContain('failed')
  expect(images.downloads()).toEqual(['four', 'three'])
})
