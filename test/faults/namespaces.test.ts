/** Containers that share a cache: each has its own pids, which mean other processes in the next one. */
import { existsSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { makeContext } from '../../src/context.js'
import { judge, newOwner, parseOwner, type Owner } from '../../src/store/owner.js'
import { openRunDirectory, sweepDeadRuns } from '../../src/store/run-directory.js'
import { tempDir } from '../support/temp-dir.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const noNamespaces = 'this system lets nobody but root make a pid namespace (unshare -rpf)'
const root = new URL('../../', import.meta.url)
const run = promisify(execFile)
const canUnsharePids = await run('unshare', ['-rpf', '--mount-proc', 'true']).then(
  () => true,
  () => false,
)

/** What `code` prints as the first process of a pid namespace of its own, with a /proc of its own or with ours. */
async function runAsFirst(code: string, options: readonly string[] = ['--mount-proc']): Promise<string> {
  const source = `const source = (path) => import(new URL('src/' + path, ${JSON.stringify(root.href)}).href)\n`
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', source + code]
  return (await run('unshare', ['-rpf', ...options, ...node], { cwd: root })).stdout.trim()
}

function ownerOf(name: string): Owner {
  const owner = parseOwner(name)
  if (owner === undefined) throw new TypeError(`"${name}" is no owner`)
  return owner
}

test('fault 14, two containers have the same pid: neither takes the process of the other for its own, alive or dead', async ({
  skip,
}) => {
  skip(!canUnsharePids, noNamespaces)
  const ours = newOwner()
  const said = await runAsFirst(`
    const { judge, newOwner, parseOwner } = await source('store/owner.ts')
    console.log(JSON.stringify({ own: newOwner(), ofOurs: judge(parseOwner('${ours}')), ofOwn: judge(parseOwner(newOwner())) }))`)
  const { own, ofOurs, ofOwn } = JSON.parse(said) as Record<'own' | 'ofOurs' | 'ofOwn', string> // what the code above prints
  expect(ownerOf(own)).toMatchObject({ pid: 1, boot: ownerOf(ours).boot, machine: ownerOf(ours).machine })
  expect([ofOurs, ofOwn, judge(ownerOf(own))]).toEqual(['unknown', 'alive', 'unknown'])
})

test('fault 14, a container sees the /proc of its host, where its pids are those of others: what it makes proves nothing', async ({
  skip,
}) => {
  skip(!canUnsharePids, noNamespaces)
  const said = await runAsFirst(
    `const { judge, newOwner, parseOwner } = await source('store/owner.ts')
    console.log(newOwner() + ' ' + judge(parseOwner(newOwner())))`,
    [],
  )
  const [name = '', verdict] = said.split(' ')
  expect(ownerOf(name)).toMatchObject({ pid: 1, boot: '00000000', startTime: '0' })
  expect([verdict, judge(ownerOf(name))]).toEqual(['alive', 'unknown'])
})

test('fault 14, a container sweeps a cache that a living run of its host uses, whose pid is nobody inside: the run loses nothing', async ({
  skip,
}) => {
  skip(!canUnsharePids, noNamespaces)
  await using dir = await tempDir()
  const options = { cacheDir: join(dir.path, 'cache'), overlayDir: join(dir.path, 'overlays') }
  await using alive = await openRunDirectory(makeContext(options, {}))
  const said = await runAsFirst(`
    const { makeContext } = await source('context.ts')
    const { openRunDirectory, sweepDeadRuns } = await source('store/run-directory.ts')
    const context = makeContext(${JSON.stringify(options)}, {})
    await openRunDirectory(context)
    console.log('swept ' + sweepDeadRuns(context).length)`)
  expect(said).toBe('swept 0')
  expect([alive.overlayDir, String(alive.leaseDir)].map((path) => existsSync(path))).toEqual([true, true])
  // And what the container left is not taken for dead because its pid is somebody else here.
  expect(sweepDeadRuns(makeContext(options, {}))).toEqual([])
})
