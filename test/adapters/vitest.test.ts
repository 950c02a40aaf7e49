/** What useVmImage() promises, in every pool of the real Vitest. The promises are the names in projects/semantics. */
import { expect, test } from 'vitest'
import { openProject } from './vitest-project.js'

test.each([
  ['forks', '--isolate'],
  ['forks', '--no-isolate'],
  ['threads', '--isolate'],
  ['threads', '--no-isolate'],
  ['vmForks', '--isolate'],
  ['vmThreads', '--isolate'],
])('useVmImage() keeps its promises with --pool=%s %s', async (pool, isolate) => {
  await using project = await openProject('semantics')
  const { tests, output } = await project.run([`--pool=${pool}`, isolate])
  const failed = Object.entries(tests).filter(([, { status }]) => status === 'failed')
  expect(
    failed.map(([name]) => name),
    output,
  ).toEqual(['after the timeout of its test a slow test times out'])
  expect(Object.keys(tests).length).toBeGreaterThan(50)
  expect(project.runDirectories()).toEqual([])
  expect(project.kept()).toEqual([])
})
