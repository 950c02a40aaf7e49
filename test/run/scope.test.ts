import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { startRun } from '../../src/run/run.js'
import { type OpenOptions, Scope } from '../../src/run/scope.js'
import { startMachine } from '../image/counting-disk.js'
import { qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

/** A run with one image, and scopes in it. */
async function makePlace() {
  const directory = await tempDir()
  const image = join(directory.path, 'system.qcow2')
  const unlisted = join(directory.path, 'unlisted.qcow2')
  for (const file of [image, unlisted]) writeFileSync(file, smallQcow2('scope'))
  const places = { cacheDir: join(directory.path, 'cache'), overlayDir: join(directory.path, 'overlays') }
  const run = await startRun({ images: [image] }, makeContext(places, {}))
  const scope = (print?: (line: string) => void) => new Scope({ name: 'a test', run: () => run.info, print })
  const later = () => setTimeout(100, run.info)
  const slowScope = () => new Scope({ name: 'a test', run: later })
  const overlays = () => readdirSync(run.info.overlayDir).filter((name) => name.endsWith('.qcow2'))
  const end = async () => {
    run.close()
    await directory[Symbol.asyncDispose]()
  }
  return {
    image,
    unlisted,
    scope,
    slowScope,
    overlays,
    endRun: () => run.close(),
    [Symbol.asyncDispose]: end,
  }
}

const passed = { failed: false, attempt: 1 }
const failed = { failed: true, attempt: 1 }

describe('Scope', () => {
  test('ends what was forked from its disks with them', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const disk = await scope.open(place.image)
    const fork = await disk.fork()
    await fork.fork()
    expect(place.overlays()).toHaveLength(3)
    expect(await scope.close(passed)).toEqual([])
    expect(place.overlays()).toEqual([])
    await expect(disk.fork()).rejects.toMatchObject({ code: 'DISK_GONE' })
  })

  test('ends what is forked while its run is asked for', async () => {
    await using place = await makePlace()
    const scope = place.slowScope()
    const disk = await scope.open(place.image)
    const forking = disk.fork().catch((error: unknown) => error)
    await scope.close(failed)
    expect(place.overlays()).toEqual([])
    await forking
    expect(place.overlays()).toEqual([])
  })

  test('keeps of a failed test the forks with what they stand on, and they can be read after the run', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const disk = await scope.open(place.image)
    await qemuIo(disk.path, 'write -P 1 0 4096')
    const [one, two, gone] = [await disk.fork(), await disk.fork(), await disk.fork()]
    await qemuIo(one.path, 'write -P 2 4096 4096')
    await qemuIo(two.path, 'write -P 3 4096 4096')
    await gone.dispose()
    const kept = await scope.close(failed)
    place.endRun()
    const [{ path: first = '' } = {}, { path: second = '' } = {}, ...others] = kept
    expect(others).toEqual([])
    expect(readdirSync(dirname(first)).toSorted()).toEqual(
      ['note.json', ...[disk, one, two].map(({ path }) => basename(path))].toSorted(),
    )
    await qemuIo(first, 'read -P 1 0 4096', 'read -P 2 4096 4096')
    await qemuIo(second, 'read -P 1 0 4096', 'read -P 3 4096 4096')
    const note = readFileSync(join(dirname(first), 'note.json'), 'utf8')
    expect(note).toContain(join(dirname(first), basename(disk.path)))
  })

  test('keeps a disk of a passed test that asks for it, once, and says where', async () => {
    await using place = await makePlace()
    const scope = place.scope()
    const disk = await scope.open(place.image)
    await scope.open(place.image)
    const { path, directory } = await disk.keep()
    expect(await scope.close(passed)).toEqual([expect.objectContaining({ path })])
    expect(place.overlays()).toEqual([])
    expect(readdirSync(directory)).toHaveLength(2)
    const again = place.scope()
    const other = await again.open(place.image)
    const kept = await other.keep()
    expect(await again.close(failed)).toEqual([expect.objectContaining({ path: kept.path })])
    expect(readdirSync(dirname(directory))).toHaveLength(2)
  })

  test('warns of a machine that goes on after the end of its disk', async () => {
    await using place = await makePlace()
    const lines: string[] = []
    const scope = place.scope((line) => lines.push(line))
    const disk = await scope.open(place.image)
    await using machine = await startMachine(...disk.launch.args)
    const write = `qemu-io ${disk.launch.node} "write -P 1 0 4096"`
    await machine.ask('human-monitor-command', { 'command-line': write })
    await scope.close(passed)
    expect(lines).toEqual([
      expect.stringMatching(/is deleted while qemu-system-x86_64 \(pid \d+\) has it open/),
    ])
  })

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

  test.each([
    [{ keep: 'on-fail' }, /keep is "on-fail", expected never, on-failure or always/],
    [{ sizes: '20G' }, /no option "sizes"/],
    [{ extendedL2: 'yes' }, /extendedL2 is "yes"/],
  ])('refuses the options %o, which mean nothing', async (options, said) => {
    await using place = await makePlace()
    const scope = place.scope()
    // As a caller without types may write them.
    const opening = scope.open(place.image, options as OpenOptions)
    await expect(opening).rejects.toThrow(said)
    await expect(opening).rejects.toBeInstanceOf(TypeError)
    expect(place.overlays()).toEqual([])
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
