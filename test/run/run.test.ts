import { setImmediate } from 'node:timers/promises'
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { startRun } from '../../src/run/run.js'
import { joinRun } from '../../src/run/shared-run.js'
import { nobody } from '../../src/store/owner.js'
import { tempDir } from '../support/temp-dir.js'

async function makePlace() {
  const directory = await tempDir()
  const image = join(directory.path, 'system.qcow2')
  writeFileSync(image, smallQcow2('run'))
  const context = makeContext(
    {
      cacheDir: join(directory.path, 'cache'),
      overlayDir: join(directory.path, 'overlays'),
      extraCacheDirs: [directory.path],
      minimumTrust: 'signed',
    },
    {},
  )
  const runs = () => readdirSync(join(directory.path, 'overlays/run'))
  return { directory, image, missing: join(directory.path, 'missing.qcow2'), context, runs }
}

const listeners = () => ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name))

test('startRun() tells the workers all they need, as plain JSON', async () => {
  const { directory, image, context } = await makePlace()
  await using _ = directory
  const run = await startRun({ images: [image] }, context)
  const info = run.info
  expect(JSON.parse(JSON.stringify(info))).toEqual(info)
  expect(Object.values(info.images)).toMatchObject([{ path: image, format: 'qcow2' }])
  expect(info).toMatchObject({ extraCacheDirs: [directory.path], minimumTrust: 'signed' })
  expect(existsSync(info.overlayDir)).toBe(true)
  run.close()
})

test('close() removes the directories and the listeners, and may be called twice', async () => {
  const { directory, image, context, runs } = await makePlace()
  await using _ = directory
  const before = listeners()
  const run = await startRun({ images: [image] }, context)
  expect(listeners()).toEqual(before.map((count) => count + 1))
  run.close()
  run.close()
  await setImmediate()
  expect(listeners()).toEqual(before)
  expect(runs()).toEqual([])
})

test('an image that cannot be had is an entry, with strict an error that leaves nothing', async () => {
  const { directory, image, missing, context, runs } = await makePlace()
  await using _ = directory
  const run = await startRun({ images: [missing, image] }, context)
  expect(Object.values(run.info.errors)).toMatchObject([{ code: 'FILE_NOT_FOUND' }])
  expect(Object.values(run.info.images)).toHaveLength(1)
  run.close()
  const strict = startRun({ images: [missing, image], strict: true }, context)
  await expect(strict).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  expect(runs()).toEqual([])
})

test('a list that names no system is an error of the configuration', async () => {
  const { directory, context, runs } = await makePlace()
  await using _ = directory
  await expect(startRun({ images: ['fedoar'] }, context)).rejects.toMatchObject({ code: 'UNKNOWN_SYSTEM' })
  expect(runs()).toEqual([])
})

test('joinRun() starts one run for equal settings, and ends it with the last who leaves', async () => {
  const { directory, image, missing, context, runs } = await makePlace()
  await using _ = directory
  const [one, two] = await Promise.all([
    joinRun({ images: [image] }, context),
    joinRun({ images: [missing] }, { ...context }),
  ])
  expect(one.info).toEqual(two.info)
  expect(Object.keys(one.info.images)).toHaveLength(1)
  expect(Object.keys(one.info.errors)).toHaveLength(1)
  one.close()
  one.close()
  expect(runs()).toHaveLength(1)
  two.close()
  expect(runs()).toEqual([])
})

test.each([{ keep: 'never' }, { minimumTrust: 'pinned' }, { extraCacheDirs: [] }] as const)(
  'joinRun() starts another run for other settings: %o',
  async (settings) => {
    const { directory, context, runs } = await makePlace()
    await using _ = directory
    const one = await joinRun({ images: [] }, context)
    const two = await joinRun({ images: [] }, { ...context, ...settings })
    expect(runs()).toHaveLength(2)
    one.close()
    two.close()
    expect(runs()).toEqual([])
  },
)

test('joinRun() leaves nothing behind when the images fail', async () => {
  const { directory, missing, context, runs } = await makePlace()
  await using _ = directory
  await expect(joinRun({ images: [missing], strict: true }, context)).rejects.toMatchObject({
    code: 'FILE_NOT_FOUND',
  })
  expect(runs()).toEqual([])
})

test('startRun() removes nothing behind a link that somebody put into its place', async () => {
  const { directory, context } = await makePlace()
  await using _ = directory
  const run = await startRun({ images: [] }, context)
  run.close()
  const elsewhere = join(directory.path, 'elsewhere')
  mkdirSync(join(elsewhere, nobody()), { recursive: true })
  renameSync(join(context.overlayDir, 'run'), join(context.overlayDir, 'run.old'))
  symlinkSync(elsewhere, join(context.overlayDir, 'run'))
  await expect(startRun({ images: [] }, context)).rejects.toMatchObject({ code: 'CACHE_UNSAFE' })
  expect(readdirSync(elsewhere)).toHaveLength(1)
})
