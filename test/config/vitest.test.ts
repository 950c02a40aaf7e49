/** A configuration file and a real Vitest. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { openProject, type VitestRun } from '../adapters/vitest-project.js'
import { startPublisher } from '../support/publisher.js'

const failedTests = ({ tests }: VitestRun) =>
  Object.keys(tests).filter((name) => tests[name]?.status === 'failed')

test('images, providers and options of the file count besides those of the plugin', async () => {
  await using publisher = await startPublisher({ '10': smallQcow2('10') })
  await using project = await openProject('config-file')
  const run = await project.run([], { MIRROR: publisher.mirror.url })
  expect(run.code, run.output).toBe(0)
  expect(Object.keys(run.tests)).toHaveLength(2)
  expect(project.kept()).toHaveLength(2)
})

test('a variable stands above the file', async () => {
  await using publisher = await startPublisher({ '10': smallQcow2('10') })
  await using project = await openProject('config-file')
  const run = await project.run([], { MIRROR: publisher.mirror.url, VMIMAGE_KEEP: 'never' })
  expect(run.code, run.output).toBe(0)
  expect(project.kept()).toEqual([])
})

test('strict of the file fails the run, where it fails one test otherwise', async () => {
  await using project = await openProject('config-file')
  const json = join(project.path, 'strict.json')
  writeFileSync(json, JSON.stringify({ images: ['./missing.qcow2'], strict: true }))
  const run = await project.run([], { VMIMAGE_CONFIG: json })
  expect(run.code).toBe(1)
  expect(run.output).toContain('missing.qcow2')
  expect(run.tests).toEqual({})
  writeFileSync(json, JSON.stringify({ images: ['./missing.qcow2'] }))
  const lenient = await project.run([], { VMIMAGE_CONFIG: json })
  expect(failedTests(lenient)).toEqual(['a system of the configuration file'])
})

test('what is wrong in the file fails the run and is named', async () => {
  await using project = await openProject('config-file')
  writeFileSync(join(project.path, 'vmimage.config.js'), 'export default { imags: [] }')
  const run = await project.run()
  expect(run.code).toBe(1)
  expect(run.output).toContain('no key "imags", but "images"')
  expect(run.tests).toEqual({})
})
