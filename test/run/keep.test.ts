import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import type { Options } from '../../src/options.js'
import type { BaseImage } from '../../src/image/base-image.js'
import { diskAt } from '../../src/image/disk-at.js'
import type { Keeping } from '../../src/image/disk-state.js'
import { openOverlay } from '../../src/image/overlay.js'
import { keepImages, makeRoomForKept } from '../../src/run/keep.js'
import { startRun } from '../../src/run/run.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { startMachine } from '../image/counting-disk.js'
import { tempDir } from '../support/temp-dir.js'

/** Runs in one overlay directory; `fail()` is a test of a run that opened a disk and failed. */
async function makePlace(options: Options = {}) {
  const directory = await tempDir()
  const file = join(directory.path, 'system.qcow2')
  writeFileSync(file, smallQcow2('keep'))
  const places = { cacheDir: join(directory.path, 'cache'), overlayDir: join(directory.path, 'overlays') }
  const start = () => startRun({ images: [file] }, makeContext({ ...options, ...places }, {}))
  const keptDir = join(directory.path, 'overlays/kept')
  return { directory, start, keptDir, kept: () => readdirSync(keptDir).toSorted() }
}

type Run = Awaited<ReturnType<typeof startRun>>

/** A disk on the run's image, as if it were one of the cache. */
function openDisk({ info }: Run, keeping?: Keeping) {
  const [base] = Object.values<BaseImage>(info.images)
  if (base === undefined) throw new Error('The run has no image.')
  return { image: openOverlay(base, { directory: info.overlayDir, keeping }), leaseDir: info.leaseDir }
}

function fail(run: Run, name: string) {
  return keepImages([openDisk(run)], { test: name, attempt: 1, failed: true }, run.info).map(
    ({ path }) => path,
  )
}

/** A run in which these tests failed. */
async function failRun(start: () => Promise<Run>, ...names: readonly string[]) {
  const run = await start()
  for (const name of names) fail(run, name)
  run.close()
}

test('keepImages() moves the disks to a directory with a note that has their paths', async () => {
  const { directory, start, keptDir, kept } = await makePlace()
  await using _ = directory
  const run = await start()
  const disks = [openDisk(run), openDisk(run)]
  const images = keepImages(disks, { test: 'boots.test.ts > boots', attempt: 2, failed: true }, run.info)
  run.close()
  expect(kept()).toEqual(['boots.test.ts-boots-2'])
  const note: unknown = JSON.parse(readFileSync(join(keptDir, 'boots.test.ts-boots-2/note.json'), 'utf8'))
  expect(note).toMatchObject({ test: 'boots.test.ts > boots', images: images.map(({ path }) => ({ path })) })
  expect(images.map(({ path = '' }) => existsSync(path))).toEqual([true, true])
  expect(images.map(({ path }) => path)).toEqual(disks.map(({ image }) => image.path))
})

test('keepImages() takes the next name where one is taken, and the note says so', async () => {
  const { directory, start, keptDir, kept } = await makePlace()
  await using _ = directory
  const run = await start()
  fail(run, 'a')
  const [path] = fail(run, 'a')
  run.close()
  expect(kept()).toEqual(['a-1', 'a-1.2'])
  expect(readFileSync(join(keptDir, 'a-1.2/note.json'), 'utf8')).toContain(`"path": "${path}"`)
})

test('keepImages() keeps nothing where the test has disposed of its disk', async () => {
  const { directory, start, kept } = await makePlace()
  await using _ = directory
  const run = await start()
  const disk = openDisk(run)
  await disk.image.dispose()
  expect(keepImages([disk], { test: 'a', attempt: 1, failed: true }, run.info)).toEqual([])
  expect(kept()).toEqual([])
  run.close()
})

test('a run goes on keeping when somebody deletes all kept disks', async () => {
  const { directory, start, keptDir, kept } = await makePlace()
  await using _ = directory
  const run = await start()
  fail(run, 'a')
  rmSync(keptDir, { recursive: true })
  fail(run, 'b')
  expect(kept()).toEqual(['b-1'])
  run.close()
})

test('a run keeps its first failures, and says which it did not keep', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 2 })
  await using _ = directory
  const run = await start()
  const paths = ['a', 'b', 'c'].flatMap((name) => fail(run, name))
  run.close()
  expect(kept()).toEqual(['a-1', 'b-1'])
  expect(paths).toEqual([expect.stringContaining('a-1'), expect.stringContaining('b-1'), undefined])
})

test('a later run makes room for its own', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 2 })
  await using _ = directory
  await failRun(start, 'a', 'b')
  const second = await start()
  fail(second, 'c')
  fail(second, 'd')
  fail(second, 'e')
  second.close()
  expect(kept()).toEqual(['c-1', 'd-1'])
})

test('a run that starts again counts from 0', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 1 })
  await using _ = directory
  const run = await start()
  fail(run, 'a')
  run.startAgain()
  fail(run, 'b')
  expect(kept()).toEqual(['b-1'])
  run.close()
})

test('the lease of a kept disk stays for as long as the disk does', async () => {
  const { directory, start, keptDir } = await makePlace()
  await using _ = directory
  const run = await start()
  fail(run, 'a')
  run.close()
  expect(existsSync(String(run.info.leaseDir))).toBe(true)
  rmSync(keptDir, { recursive: true })
  run.close()
  expect(existsSync(String(run.info.leaseDir))).toBe(false)
})

test('a start removes what a killed worker left half made, and nothing else', async () => {
  const { directory, start, keptDir, kept } = await makePlace({ keepLast: 1 })
  await using _ = directory
  const first = await start()
  fail(first, 'a')
  first.close()
  const living = newOwner()
  for (const name of [nobody(), living, 'of the user']) mkdirSync(join(keptDir, name))
  const second = await start()
  expect(kept()).toEqual([living, 'a-1', 'of the user'].toSorted())
  second.close()
})

/** A disk that takes this much of the disk, of a test that failed. */
function failWith(run: Run, name: string, sizeBytes: number) {
  const disk = openDisk(run)
  writeFileSync(disk.image.path, Buffer.alloc(sizeBytes, 1))
  return keepImages([disk], { test: name, attempt: 1, failed: true }, run.info)
}

test('Kept disks of earlier runs make room, the oldest first', async () => {
  const { directory, start, kept } = await makePlace({ keepMaxSize: '3M' })
  await using _ = directory
  for (const name of ['a', 'b']) {
    const run = await start()
    failWith(run, name, 2 ** 20)
    run.close()
  }
  const last = await start()
  const [image] = failWith(last, 'c', 2 ** 20 + 2 ** 19)
  expect(image?.path).toBeDefined()
  expect(kept()).toEqual(['b-1', 'c-1'])
  last.close()
})

test('What a run itself has kept makes no room: the next disk is not kept, and nothing is removed', async () => {
  const { directory, start, kept } = await makePlace({ keepMaxSize: '3M' })
  await using _ = directory
  const earlier = await start()
  failWith(earlier, 'earlier', 2 ** 19)
  earlier.close()
  const run = await start()
  failWith(run, 'a', 2 ** 21)
  expect(failWith(run, 'b', 2 ** 21)).toMatchObject([{ path: undefined, beyond: 'keepMaxSize' }])
  expect(kept()).toEqual(['a-1', 'earlier-1'])
  // A smaller one still finds its place.
  expect(failWith(run, 'c', 2 ** 18)[0]?.path).toBeDefined()
  run.close()
})

test('A run beside this one that goes on keeps its disks, whose paths it has printed', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 1 })
  await using _ = directory
  const beside = await start()
  fail(beside, 'beside')
  const run = await start()
  fail(run, 'a')
  expect(kept()).toEqual(['a-1', 'beside-1'])
  beside.close()
  run.startAgain()
  fail(run, 'b')
  expect(kept()).toEqual(['b-1'])
  run.close()
})

test('Several runs of one session are as one: what one has kept, no other removes', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 2 })
  await using _ = directory
  for (const name of ['a', 'b', 'c']) {
    const run = await start()
    await run.add({ images: [], session: 'of one command' })
    fail(run, name)
    run.close()
  }
  expect(kept()).toEqual(['a-1', 'b-1'])
})

test('a disk that two kept ones share is counted once, as the newer one’s', async () => {
  const { directory, start, keptDir, kept } = await makePlace({ keepLast: 9, keepMaxSize: '3M' })
  await using _ = directory
  const first = await start()
  for (const name of ['a', 'b']) fail(first, name)
  const shared = Buffer.alloc(2_000_000, 1)
  writeFileSync(join(keptDir, 'a-1/below.qcow2'), shared)
  linkSync(join(keptDir, 'a-1/below.qcow2'), join(keptDir, 'b-1/below.qcow2'))
  first.close()
  const second = await start()
  fail(second, 'c')
  expect(kept()).toEqual(['a-1', 'b-1', 'c-1'])
  // Neither alone: what the older one has for itself is little.
  writeFileSync(join(keptDir, 'c-1/large'), shared)
  fail(second, 'd')
  second.close()
  expect(kept()).toEqual(['c-1', 'd-1'])
})

/** `image.keep()` in a test that passes. */
async function keepOne(run: Run) {
  const { keptDir, session } = run.info
  const makeRoom = () => Promise.resolve(makeRoomForKept(run.info))
  const { image } = openDisk(run, { keptDir, session, makeRoom })
  return (await image.keep()).directory
}

test('image.keep() is never refused, and older ones of other runs make room for it', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 2 })
  await using _ = directory
  await failRun(start, 'a', 'b')
  const second = await start()
  const mine = [await keepOne(second), await keepOne(second), await keepOne(second)]
  second.close()
  expect(kept()).toEqual(mine.map((path) => basename(path)).toSorted())
})

test('what was kept from outside for a run is that run’s in every turn, and goes with the next', async () => {
  const { directory, start, keptDir, kept } = await makePlace({ keepLast: 1 })
  await using _ = directory
  const run = await start()
  const { image } = openDisk(run)
  const { cacheDir, overlayDir } = { cacheDir: run.info.cacheDir, overlayDir: dirname(keptDir) }
  const outside = await diskAt(image.path, { cacheDir, overlayDir }).keep()
  run.startAgain()
  const mine = await keepOne(run)
  expect(kept()).toEqual([outside.directory, mine].map((path) => basename(path)).toSorted())
  run.close()
  const next = await start()
  fail(next, 'a')
  next.close()
  expect(kept()).toEqual(['a-1'])
})

test('a kept disk that a machine has open makes no room', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 1 })
  await using _ = directory
  const first = await start()
  const [path = ''] = fail(first, 'a')
  first.close()
  {
    await using machine = await startMachine('-drive', `file=${path},format=qcow2,if=virtio`)
    expect(await machine.ask('query-status')).toHaveProperty('return')
    const second = await start()
    fail(second, 'b')
    second.close()
    expect(kept()).toEqual(['a-1', 'b-1'])
  }
  const third = await start()
  fail(third, 'c')
  third.close()
  expect(kept()).toEqual(['c-1'])
})

test('image.keep() removes nothing where failed tests keep nothing', async () => {
  const { directory, start, kept } = await makePlace({ keepLast: 0 })
  await using _ = directory
  for (const run of [await start(), await start()]) {
    await keepOne(run)
    run.close()
  }
  expect(kept()).toHaveLength(2)
})
