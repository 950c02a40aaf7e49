/** Pins in a project with a real Vitest: found in its root, known to its workers, frozen in CI. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acme, type MovingPublisher, startMovingPublisher } from '../support/moving-publisher.js'
import { pinTo } from '../image/pinning.js'
import { openProject, type VitestProject, type VitestRun } from './vitest-project.js'

const statuses = ({ tests }: VitestRun) =>
  Object.fromEntries(Object.entries(tests).map(([name, { status }]) => [name, status]))

/** A project that has pinned build 1, of a publisher that has build 2 since. */
async function openPinned(publisher: MovingPublisher): Promise<VitestProject> {
  const project = await openProject('pinned')
  const config = {
    images: ['acme', 'acme:1'],
    providers: [acme],
    arch: 'x86_64',
    mirror: publisher.mirror.url,
  }
  writeFileSync(join(project.path, 'vmimage.config.json'), JSON.stringify(config))
  publisher.publish('1', '1')
  await pinTo(join(project.path, 'vmimage.lock.json'), { provider: acme }, publisher.context('author'))
  publisher.publish('1', '2')
  publisher.asked()
  return project
}

test('tests get what is pinned; what is not is resolved', async () => {
  await using publisher = await startMovingPublisher()
  await using project = await openPinned(publisher)
  const run = await project.run([], { CI: '' })
  expect(statuses(run), run.output).toEqual({
    'a system that is pinned': 'passed',
    'one that is not': 'passed',
  })
  expect(publisher.asked()).toContain(publisher.path('1', '1'))
})

test('in CI what is not pinned fails the tests that ask for it, and no listing is asked for', async () => {
  await using publisher = await startMovingPublisher()
  await using project = await openPinned(publisher)
  const run = await project.run([], { CI: 'true' })
  expect(statuses(run), run.output).toEqual({
    'a system that is pinned': 'passed',
    'one that is not': 'failed',
  })
  expect(run.tests['one that is not']?.message).toMatch(/npx vmimage pin .*acme:1/)
  expect(publisher.asked()).toEqual([publisher.path('1', '1')])
})

test('VMIMAGE_FROZEN=0 takes that back', async () => {
  await using publisher = await startMovingPublisher()
  await using project = await openPinned(publisher)
  const run = await project.run([], { CI: 'true', VMIMAGE_FROZEN: '0' })
  expect(run.code, run.output).toBe(0)
})

test('a conflict in the pin file ends the run before the first test', async () => {
  await using publisher = await startMovingPublisher()
  await using project = await openPinned(publisher)
  writeFileSync(join(project.path, 'vmimage.lock.json'), '<<<<<<< HEAD\n')
  const run = await project.run()
  expect(run.code).toBe(1)
  expect(run.output).toContain('line 1 is a mark of a merge conflict')
  expect(run.tests).toEqual({})
})
