import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { startRun } from '../../src/run/run.js'
import { Scope } from '../../src/run/scope.js'
import { tempDir } from '../support/temp-dir.js'

/** A run with one image, and scopes in it. */
async function makePlace() {
  const directory = await tempDir()
  const image = join(directory.path, 'system.qcow2')
  const unlisted = join(directory.path, 'unlisted.qcow2')
  for (const file of [image, unlisted]) writeFileSync(file, smallQcow2('scope'))
  const places = { cacheDir: join(directory.path, 'cache'), overlayDir: join(directory.path, 'overlays') }
  const run = await startRun({ images: [image] }, makeContext(places, {}))
  const scope = () => new Scope({ name: 'a test', run: () => run.info })
  const overlays = () => readdirSync(run.info.overlayDir).filter((name) => name.endsWith('.qcow2'))
  const end = async () => {
    run.close()
    await directory[Symbol.asyncDispose]()
  }
  return { image, unlisted, scope, overlays, [Symbol.asyncDispose]: end }
}

const passed = { failed: false, attempt: 1 }
const failed = { failed: true, attempt: 1 }

describe('Scope', () => {
  test('has disks of its own until it is closed', async () => {
    await using place = await makePlace()
    const [one, two] = [place.scope(), place.scope()]
    const disk = await one.open(place.image, { size: '1G' })
    await two.open(place.image)
    expect(disk.virtualSizeBytes).toBe(1024 ** 3)
    expect(await two.close(passed)).toEqual([])
    expect(place.overlays()).toHaveLength(1)
    await one.close(passed)
    await one.close(passed)
    expect(place.overlays()).toEqual([])
    expect(one.signal.aborted).toBe(true)
  })

  test('opens a file that nobody listed', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const disk = await scope.open(place.unlisted)
    expect(disk.baseImage).toBe(place.unlisted)
    await scope.close(passed)
  })

  test("takes a file of the user's own at any bar but one that the same request sets", async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const disk = await scope.open({ path: place.unlisted })
    expect(disk.trust).toBe('unverified')
    const refused = scope.open({ path: place.unlisted, minimumTrust: 'pinned' })
    await expect(refused).rejects.toMatchObject({ code: 'UNTRUSTED' })
    await scope.close(passed)
  })

  test('refuses disks once it is closed', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    await scope.close(passed)
    await expect(scope.open(place.image)).rejects.toMatchObject({
      code: 'TEST_FINISHED',
      message: expect.stringContaining('after the test "a test" finished'),
    })
  })

  test('says that it is closed, and not what that broke off, when a file is hashed meanwhile', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const opening = scope.open({ path: place.unlisted, checksum: `sha256:${'0'.repeat(64)}` })
    await Promise.all([
      expect(opening).rejects.toMatchObject({ code: 'TEST_FINISHED' }),
      // The import of what reads the file comes first.
      import('../../src/image/local-image.js').then(() => scope.close(failed)),
    ])
    expect(place.overlays()).toEqual([])
  })

  test('makes no disk when it is closed while a file is prepared', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const opening = expect(scope.open(place.unlisted)).rejects.toMatchObject({ code: 'TEST_FINISHED' })
    await scope.close(passed)
    await opening
    expect(place.overlays()).toEqual([])
  })

  test.each([
    ['never', passed, false],
    ['never', failed, false],
    ['on-failure', passed, false],
    ['on-failure', failed, true],
    ['always', passed, true],
    ['always', failed, true],
  ] as const)('keep %s after %o', async (keep, end, isKept) => {
    await using place = await makePlace()
    const scope = place.scope()
    await scope.open(place.image, { keep })
    const kept = await scope.close(end)
    expect(kept.map(({ path = '' }) => existsSync(path))).toEqual(isKept ? [true] : [])
    expect(place.overlays()).toEqual([])
  })
})
