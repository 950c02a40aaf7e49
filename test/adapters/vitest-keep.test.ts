/** Keep on failure, as the user of Vitest sees it: where the disks are, and where the reports say so. */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { startMirror } from '../support/mirror.js'
import { openProject } from './vitest-project.js'

test('the disks of failed tests are kept, those of all others are gone', async () => {
  await using project = await openProject('failing')
  const { output } = await project.run()
  expect(project.kept().toSorted(), output).toEqual([
    'failing.spec.ts-fails-1',
    'failing.spec.ts-fails-once-1',
    'failing.spec.ts-with-a-failing-afterEach-fails-at-the-end-1',
    'shared.spec.ts-1',
  ])
  expect(project.runDirectories()).toEqual([])
})

test('a kept disk is the one the test wrote to, with a note that tells how to boot it', async () => {
  await using project = await openProject('failing')
  await project.run(['-t', '^fails$'])
  const directory = project.keptPath('failing.spec.ts-fails-1')
  const note: unknown = JSON.parse(readFileSync(join(directory, 'note.json'), 'utf8'))
  expect(note).toMatchObject({
    test: 'failing.spec.ts > fails',
    attempt: 1,
    failed: true,
    images: [{ name: 'system.qcow2', baseImage: project.image, path: expect.stringContaining(directory) }],
  })
  const [{ path, boot }] = (note as { images: [{ path: string; boot: string }] }).images // as matched above
  expect(readFileSync(path, 'latin1')).toContain('what the test wrote')
  expect(boot).toMatch(/^qemu-system-.*-drive .*file=/)
  expect(boot).toContain(path)
})

test('the base image of a kept disk stays until the disk is removed', async () => {
  await using mirror = await startMirror({ '/images.test/system.qcow2': smallQcow2('kept') })
  await using project = await openProject('failing')
  const env = {
    IMAGE: 'https://images.test/system.qcow2',
    VMIMAGE_MIRROR: mirror.url,
    VMIMAGE_MINIMUM_TRUST: 'unverified',
    KEEP_LAST: '1',
  }
  const fail = () => project.run(['-t', '^fails$'], env)
  await fail()
  const [lease = ''] = project.runDirectories()
  const note = readFileSync(join(project.keptPath('failing.spec.ts-fails-1'), 'note.json'), 'utf8')
  const { baseImage } = (JSON.parse(note) as { images: [{ baseImage: string }] }).images[0] // as another test shows
  expect(baseImage).toContain(lease)
  expect(existsSync(baseImage)).toBe(true)

  // The second failure takes the only place, and the start of the third run sees that the first lease serves nobody.
  await fail()
  await fail()
  expect(existsSync(baseImage)).toBe(false)
  expect(project.runDirectories()).not.toContain(lease)
})

test('the path stands in the error of the test, in the default, json and junit reporters', async () => {
  await using project = await openProject('failing')
  const junit = join(project.path, 'junit.xml')
  const reporters = ['--reporter=default', '--reporter=junit', `--outputFile.junit=${junit}`]
  const { output, tests } = await project.run([...reporters, '-t', '^fails$'])
  const line = `vm image "system.qcow2" kept: ${project.keptPath('failing.spec.ts-fails-1')}`
  expect(output).toContain(line)
  expect(tests['fails']?.message).toContain(line)
  expect(readFileSync(junit, 'utf8').replaceAll('&quot;', '"')).toContain(line)
})

test('keep "never" keeps nothing, and "always" also what passed', async () => {
  await using project = await openProject('failing')
  await project.run([], { VMIMAGE_KEEP: 'never' })
  expect(project.kept()).toEqual([])
  await project.run(['-t', '^passes$'], { VMIMAGE_KEEP: 'always' })
  expect(project.kept()).toEqual(['failing.spec.ts-passes-1'])
})

test('a run keeps its first failures, and the others say why they are not kept', async () => {
  await using project = await openProject('failing')
  const { output } = await project.run([], { KEEP_LAST: '2' })
  // Each stands in the error and on the standard error.
  const said = new Set(
    [...output.matchAll(/^vm image "system\.qcow2" kept: (.*)$/gm)].map(([, path = '']) => path),
  )
  expect(said.size, output).toBe(2)
  expect([...said].filter((path) => !existsSync(path))).toEqual([])
  expect(project.kept()).toHaveLength(2)
  expect(output).toMatch(/^vm image "system\.qcow2" not kept: .*keepLast \(VMIMAGE_KEEP_LAST\)/m)
})

test('each turn of a watch session keeps its first failure, whatever was done to the files in between', async () => {
  await using project = await openProject('failing')
  const vitest = project.start(['--watch', '-t', '^fails$'], { KEEP_LAST: '1' })
  await vitest.said(/Test Files /)
  expect(project.kept()).toHaveLength(1)
  rmSync(project.keptPath('.'), { recursive: true })
  appendFileSync(project.image, Buffer.alloc(512))
  appendFileSync(join(project.path, 'failing.spec.ts'), '\n')
  await vitest.said(/RERUN[^]*Test Files /)
  vitest.child.kill('SIGTERM')
  const { output } = await vitest.ended
  expect(project.kept(), output).toHaveLength(1)
})

test('only the newest are kept', async () => {
  await using project = await openProject('failing')
  await project.run(['-t', '^fails$'], { KEEP_LAST: '2' })
  await project.run(['-t', '^fails$'], { KEEP_LAST: '2' })
  await project.run(['-t', '^fails$'], { KEEP_LAST: '2' })
  expect(project.kept().toSorted()).toEqual(['failing.spec.ts-fails-1.2', 'failing.spec.ts-fails-1.3'])
  expect(existsSync(project.image)).toBe(true)
})
