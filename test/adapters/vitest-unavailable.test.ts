/** A machine without a network, and tests that shall be skipped there. */
import { expect, test } from 'vitest'
import { openProject } from './vitest-project.js'

test("onUnavailable: 'skip' skips what asks for an image in vain, and hides no other failure", async () => {
  await using project = await openProject('unavailable')
  const run = await project.run(['--reporter=verbose'])
  const statuses = Object.entries(run.tests).map(([name, { status }]) => `${status}: ${name}`)
  expect(statuses.toSorted(), run.output).toEqual([
    'failed: unit fails of itself, while others are skipped',
    'passed: unit asks for what nobody has',
    'skipped: system is skipped with its beforeAll',
    'skipped: unit asks for what cannot be had',
  ])
  expect(run.output).toMatch(/asks for what cannot be had.*pre-warming fedora failed/)
  expect(run.output).toMatch(/skipped unavailable\.spec\.ts: pre-warming debian:13 failed/)
  expect(project.runDirectories()).toEqual([])
})

test("the default, onUnavailable: 'fail', lets them fail with what was tried", async () => {
  await using project = await openProject('unavailable')
  const run = await project.run([], { VMIMAGE_ON_UNAVAILABLE: 'fail', DEFAULT: 'yes' })
  expect(run.tests['unit asks for what cannot be had']).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('OFFLINE'),
  })
})
