import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stateOf } from '../../src/image/vm-image.js'
import { overlayRuns } from '../../src/store/layout.js'
import { stampOf } from '../../src/store/stamp.js'
import { qemuImg } from '../support/qemu.js'
import { startWorker } from '../support/worker.js'
import { countOf, countOfFile, machineOf, openCountingDisk } from './counting-disk.js'

describe('image.fork()', () => {
  test('begins as the disk is, and neither forks nor the disk see what the others write', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    expect(await countOf(image)).toBe(1)
    const before = readFileSync(image.path)
    await using one = await image.fork()
    await using two = await image.fork({ extendedL2: false })
    expect(await countOf(one)).toBe(2)
    expect(await countOf(one)).toBe(3)
    expect(await countOf(two)).toBe(2)
    expect(readFileSync(image.path).equals(before)).toBe(true)
    expect(await qemuImg('check', '-f', 'qcow2', one.path)).toContain('No errors were found')
  })

  test('can be forked again, and is found by the name in its header too', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    await using fork = await disk.image.fork()
    await countOf(fork)
    await using grandchild = await fork.fork()
    expect(await countOf(grandchild)).toBe(3)
    expect(await countOfFile(grandchild.path)).toBe(4)
    const { chain } = await grandchild.info()
    expect(chain.map(({ path }) => path)).toEqual([
      grandchild.path,
      fork.path,
      disk.image.path,
      disk.image.baseImage,
    ])
  })

  test('freezes the disk: it is read-only, and cannot be launched or reset any more', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await image.reset()
    expect(image.launch.node).not.toBe('')
    await using fork = await image.fork()
    expect(statSync(image.path).mode & 0o777).toBe(0o444)
    expect(statSync(fork.path).mode & 0o777).toBe(0o600)
    expect(() => image.launch).toThrow(expect.objectContaining({ code: 'DISK_FROZEN' }))
    await expect(image.reset()).rejects.toMatchObject({ code: 'DISK_FROZEN' })
    expect(await image.info()).toMatchObject({ isFrozen: true })
    expect(await fork.info()).toMatchObject({ isFrozen: false })
  })

  test('is refused while a machine has the disk open, which then goes on as before', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    {
      await using _ = await machineOf(image)
      await expect(image.fork()).rejects.toMatchObject({
        code: 'DISK_IN_USE',
        message: expect.stringMatching(/qemu-system-x86_64 \(pid \d+\)/),
      })
      expect(statSync(image.path).mode & 0o777).toBe(0o600)
      expect(image.launch.node).not.toBe('')
    }
    await using fork = await image.fork()
    expect(await countOf(fork)).toBe(1)
  })

  test('may be larger, and not smaller; a size that is refused freezes nothing', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await expect(image.fork({ size: '64K' })).rejects.toMatchObject({ code: 'SIZE_TOO_SMALL' })
    expect(image.launch.node).not.toBe('')
    await using fork = await image.fork({ size: '1G' })
    expect(fork.virtualSizeBytes).toBe(2 ** 30)
    expect(await countOf(fork)).toBe(1)
  })

  test('of a disk whose frozen file was written to is refused', async () => {
    await using disk = await openCountingDisk()
    await using _ = await disk.image.fork()
    writeFileSync(disk.image.path, 'root may')
    await expect(disk.image.fork()).rejects.toMatchObject({ code: 'BASE_CHANGED' })
  })

  test('is refused where another process has it open for writing, though it holds no lock', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    const holding = (flags: string) =>
      startWorker(`import { openSync } from 'node:fs'
      openSync(${JSON.stringify(image.path)}, '${flags}'); console.log('open')
      setInterval(() => {}, 1000)`)
    {
      await using writer = holding('r+')
      await writer.line(/^open/)
      await expect(image.fork()).rejects.toMatchObject({ code: 'DISK_IN_USE' })
      expect(statSync(image.path).mode & 0o777).toBe(0o600)
    }
    await using reader = holding('r')
    await reader.line(/^open/)
    await using fork = await image.fork()
    expect(await countOf(fork)).toBe(1)
  })

  test('of a fork is refused when the disk below it was written to, and so is all else of the fork', async () => {
    await using disk = await openCountingDisk()
    await using fork = await disk.image.fork()
    writeFileSync(disk.image.path, 'root may')
    const changed = { code: 'BASE_CHANGED', message: expect.stringContaining(disk.image.path) }
    await expect(fork.fork()).rejects.toMatchObject(changed)
    await expect(fork.reset()).rejects.toMatchObject(changed)
    await expect(fork.exportTo(`${disk.directory}/copy`)).rejects.toMatchObject(changed)
    expect(() => fork.launch).toThrow(expect.objectContaining(changed))
  })

  test('of a disk that is gone is refused', async () => {
    await using disk = await openCountingDisk()
    await disk.image.dispose()
    await expect(disk.image.fork()).rejects.toMatchObject({ code: 'DISK_GONE' })
  })
})

describe('image.fork() of a kept disk', () => {
  test('whose note cannot be written is a fork like any other', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    const { directory } = await disk.image.keep()
    // Nothing replaces a directory that is not empty.
    rmSync(`${directory}/note.json`)
    mkdirSync(`${directory}/note.json/x`, { recursive: true })
    await using fork = await disk.image.fork()
    expect(statSync(disk.image.path).mode & 0o777).toBe(0o444)
    expect(await countOf(fork)).toBe(2)
    expect(readdirSync(directory)).toHaveLength(2)
  })
})

test('image.fork() refuses an option that there is not', async () => {
  await using disk = await openCountingDisk()
  const options = { siez: '20G' } as object // as JavaScript may ask
  await expect(disk.image.fork(options)).rejects.toThrow('fork() has no option "siez"')
  expect(disk.image.launch.node).not.toBe('')
})

describe('dispose() of a disk with forks', () => {
  test('waits for the last fork, which works until then', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const [one, two] = [await image.fork(), await image.fork()]
    await image.dispose()
    await one.dispose()
    expect([image, one, two].map(({ path }) => existsSync(path))).toEqual([true, false, true])
    expect(await countOf(two)).toBe(2)
    await expect(image.fork()).rejects.toMatchObject({ code: 'DISK_GONE' })
    await two.dispose()
    expect(readdirSync(overlayRuns(String(disk.options.overlayDir)))).toEqual([])
  })

  test('waits through generations, and disposing twice is fine', async () => {
    await using disk = await openCountingDisk()
    const fork = await disk.image.fork()
    const grandchild = await fork.fork()
    await disk.image.dispose()
    await fork.dispose()
    await fork.dispose()
    expect(existsSync(disk.image.path)).toBe(true)
    await grandchild.dispose()
    await grandchild.dispose()
    expect(readdirSync(overlayRuns(String(disk.options.overlayDir)))).toEqual([])
  })

  test('leaves the disk when only its forks end', async () => {
    await using disk = await openCountingDisk()
    const fork = await disk.image.fork()
    await fork.dispose()
    expect(existsSync(disk.image.path)).toBe(true)
    expect(stateOf(disk.image).forks.size).toBe(0)
    await using again = await disk.image.fork()
    expect(dirname(again.path)).toBe(dirname(disk.image.path))
    expect(existsSync(again.path)).toBe(true)
  })

  test('and reset() at the same time spare what the fork stands on', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    const outcome = disk.image.reset().then(
      () => ({ refused: undefined, next: 1 }),
      (error: unknown) => ({ refused: error, next: 2 }),
    )
    await using fork = await disk.image.fork()
    const { refused = { code: 'DISK_FROZEN' }, next } = await outcome
    expect(refused).toMatchObject({ code: 'DISK_FROZEN' })
    expect(await countOf(fork)).toBe(next)
  })

  test('is seen by a reset() that waited meanwhile', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    const resetting = disk.image.reset()
    stateOf(disk.image).frozenAs = stampOf(disk.image.path)
    await expect(resetting).rejects.toMatchObject({ code: 'DISK_FROZEN' })
    expect(await disk.image.changes()).not.toMatchObject({ bytes: 0 })
  })

  test('that fails leaves the disk as it was, to be written to', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const state: { overlayDir: string } = stateOf(image)
    const { overlayDir } = state
    state.overlayDir = `${overlayDir}/gone`
    await expect(image.fork()).rejects.toThrow(/ENOENT/)
    state.overlayDir = overlayDir
    expect(statSync(image.path).mode & 0o777).toBe(0o600)
    expect(await countOf(image)).toBe(2)
    await using fork = await image.fork()
    expect(await countOf(fork)).toBe(3)
  })
})
