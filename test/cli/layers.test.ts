/** A layer that could be written, below a cache of the user's own: everything that vmimage does, and what it leaves of it. */
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { startRun } from '../../src/run/run.js'
import { Scope } from '../../src/run/scope.js'
import { cacheLayout } from '../../src/store/layout.js'
import { nobody } from '../../src/store/owner.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'
import { imageOf, rot, treeOf } from './cache-tree.js'
import { type CommandLine, openCommandLine } from './command.js'

let commandLine: CommandLine
let layer: TempDir

beforeAll(async () => {
  commandLine = await openCommandLine()
  layer = await tempDir()
  expect((await commandLine.run(layer.path, 'fetch', 'debian:13', 'fedora:43')).code).toBe(0)
})

afterAll(async () => {
  await commandLine[Symbol.asyncDispose]()
  await layer[Symbol.asyncDispose]()
})

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('a layer that could be written', { timeout: 120_000 }, () => {
  test('is as it was after every command', async () => {
    await using dir = await tempDir()
    const config = join(dir.path, 'vmimage.config.json')
    const { VMIMAGE_CONFIG = '' } = commandLine.environment(dir.path)
    const { providers } = readJson(VMIMAGE_CONFIG)
    writeFileSync(config, JSON.stringify({ providers, extraCacheDirs: [layer.path] }))
    const before = treeOf(layer.path)
    const asked = commandLine.mirror.requests.length
    const cache = join(dir.path, 'cache')
    for (const [code, ...args] of [
      [0, 'fetch', 'debian:13', 'fedora:43'],
      [0, 'list'],
      [0, 'verify'],
      [0, 'doctor'],
      [0, 'cache-key', 'debian:13'],
    ] as const) {
      expect(await commandLine.run(cache, '--config', config, '--offline', ...args)).toMatchObject({ code })
      expect(treeOf(layer.path)).toEqual(before)
    }
    expect(commandLine.mirror.requests).toHaveLength(asked)
    expect(existsSync(cacheLayout(cache).images)).toBe(false)
  })

  test('is as it was after runs with failing tests, their sweeping, and a run that was killed', async () => {
    await using dir = await tempDir()
    const before = treeOf(layer.path)
    const context = makeContext(
      {
        arch: 'x86_64',
        offline: true,
        cacheDir: join(dir.path, 'cache'),
        overlayDir: join(dir.path, 'overlays'),
        extraCacheDirs: [layer.path],
      },
      {},
    )
    const run = await startRun({ images: ['debian:13'], strict: true }, context)
    const scope = new Scope({ name: 'fails', run: () => run.info })
    const { baseImage } = await scope.open('debian:13')
    expect(dirname(baseImage)).toBe(run.info.leaseDir)
    await scope.close({ failed: true, attempt: 1 })
    const open = new Scope({ name: 'is killed', run: () => run.info })
    await open.open('debian:13')
    expect(treeOf(layer.path)).toEqual(before)
    for (const directory of [run.info.overlayDir, String(run.info.leaseDir)])
      renameSync(directory, join(dirname(directory), nobody()))
    expect(sweepDeadRuns(context)).toHaveLength(1)
    const another = await startRun({ images: ['debian:13'], strict: true }, context)
    another.close()
    run.close()
    expect(treeOf(layer.path)).toEqual(before)
    expect(statSync(imageOf(layer.path, 'Debian').path).nlink).toBe(2)
  })

  test('with a rotten image is left as it is, and the error says who can mend it', async () => {
    await using rotten = await tempDir()
    await commandLine.run(rotten.path, 'fetch', 'debian:13')
    await using dir = await tempDir()
    const config = join(dir.path, 'vmimage.config.json')
    writeFileSync(config, JSON.stringify({ extraCacheDirs: [rotten.path] }))
    const image = imageOf(rotten.path, 'Debian')
    rot(image)
    const before = treeOf(rotten.path)
    const verified = await commandLine.run(join(dir.path, 'cache'), '--config', config, 'verify')
    expect(verified).toMatchObject({ code: 5, stderr: expect.stringContaining('Leave out') })
    expect(treeOf(rotten.path)).toEqual(before)
    expect(readdirSync(dirname(image.path)).toSorted()).toEqual(['disk', 'meta.json'])
  })
})

function readJson(path: string): { readonly providers: unknown } {
  return JSON.parse(readFileSync(path, 'utf8')) as { readonly providers: unknown }
}
