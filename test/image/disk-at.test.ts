import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { diskAt } from '../../src/image/disk-at.js'
import { stateOf } from '../../src/image/vm-image.js'
import { keptDirectory } from '../../src/store/layout.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { qemuImg } from '../support/qemu.js'
import { countOf, countOfFile, machineOf, openCountingDisk } from './counting-disk.js'

/** A disk that was booted once and kept, found again by its name. */
async function openKept() {
  const opened = await openCountingDisk()
  await countOf(opened.image)
  const { path, directory } = await opened.image.keep()
  const { cacheDir, overlayDir } = opened.options
  const find = (asked = basename(directory)) => diskAt(asked, { cacheDir, overlayDir })
  return { opened, path, directory, find }
}

describe('diskAt()', () => {
  test.each(['name', 'directory', 'path'] as const)('finds a kept disk by its %s', async (by) => {
    const { opened, path, directory, find } = await openKept()
    await using _ = opened
    const { baseImage, baseFormat } = opened.image
    expect(find({ name: basename(directory), directory, path }[by])).toMatchObject({
      path,
      baseImage,
      baseFormat,
    })
  })

  test('does with it what its image could', async () => {
    const { opened, path, directory, find } = await openKept()
    await using _ = opened
    const disk = find()
    expect(await disk.info()).toMatchObject({ path, base: { path: opened.image.baseImage } })
    expect(await disk.changes()).toMatchObject({ clusters: 1, bytes: 2048 })
    expect(await countOf(disk)).toBe(2)
    const copy = join(directory, 'copy.qcow2')
    await disk.exportTo(copy, { compress: true })
    expect(await qemuImg('compare', '-f', 'qcow2', '-F', 'qcow2', path, copy)).toContain('identical')
    expect(await countOfFile(copy)).toBe(3)
    await disk.reset()
    expect(await disk.changes()).toMatchObject({ clusters: 0, bytes: 0 })
    expect(await countOf(disk)).toBe(1)
  })

  test('refuses what its image would: a machine that has it open, and a frozen one', async () => {
    const { opened, directory, find } = await openKept()
    await using _ = opened
    const disk = find()
    const copy = join(directory, 'copy')
    {
      await using machine = await machineOf(disk)
      expect(await machine.ask('query-status')).toHaveProperty('return')
      await expect(disk.reset()).rejects.toMatchObject({ code: 'DISK_IN_USE' })
      await expect(disk.exportTo(copy)).rejects.toMatchObject({ code: 'DISK_IN_USE' })
    }
    chmodSync(disk.path, 0o444)
    await expect(disk.reset()).rejects.toMatchObject({ code: 'DISK_FROZEN' })
    expect(() => disk.launch).toThrow(expect.objectContaining({ code: 'DISK_FROZEN' }))
    await disk.exportTo(copy)
    expect(readFileSync(copy).length).toBeGreaterThan(0)
  })

  test('says that its base is gone, and still what was written', async () => {
    const { opened, directory, find } = await openKept()
    await using _ = opened
    const disk = find()
    rmSync(disk.baseImage)
    const gone = { code: 'FILE_NOT_FOUND', message: expect.stringContaining(disk.baseImage) }
    await expect(disk.exportTo(join(directory, 'copy'))).rejects.toMatchObject(gone)
    await expect(disk.reset()).rejects.toMatchObject(gone)
    expect(() => disk.launch).toThrow(expect.objectContaining(gone))
    expect(await disk.changes()).toMatchObject({ bytes: 2048 })
  })

  test('refuses a name that there is not', async () => {
    const { opened, find } = await openKept()
    await using _ = opened
    expect(() => find('nothing')).toThrow(expect.objectContaining({ code: 'FILE_NOT_FOUND' }))
  })
})

describe('diskAt().keep()', () => {
  test('of a kept disk says where it is, and keeps nothing twice', async () => {
    const { opened, find } = await openKept()
    await using _ = opened
    const { kept } = stateOf(opened.image)
    expect(await find().keep()).toEqual(kept)
    expect(readdirSync(keptDirectory(String(opened.options.overlayDir)))).toHaveLength(1)
  })

  test('of a running test’s disk leaves that to the test, and stays with its base after it', async () => {
    await using opened = await openCountingDisk()
    const { image, options } = opened
    const { cacheDir, overlayDir } = options
    await countOf(image)
    const running = diskAt(image.path, { cacheDir, overlayDir })
    const { path, directory, boot } = await (async () => {
      await using _ = await machineOf(image)
      return running.keep()
    })()
    expect(statSync(path).ino).toBe(statSync(image.path).ino)
    expect(boot).toContain(path)
    const note = JSON.parse(readFileSync(join(directory, 'note.json'), 'utf8')) as object // of our own making
    const { name, version, url, baseImage } = image
    expect(note).toMatchObject({ failed: false, images: [{ name, version, url, baseImage, path, boot }] })
    expect(await countOf(image)).toBe(2)
    const fork = await image.fork()
    expect((await diskAt(path, { cacheDir, overlayDir }).keep()).boot).toContain('snapshot=on')
    await fork.dispose()
    await image.dispose()
    sweepDeadRuns(makeContext({ cacheDir, overlayDir }, {}))
    expect(existsSync(image.path)).toBe(false)
    chmodSync(path, 0o600)
    expect(await countOf(diskAt(path, { cacheDir, overlayDir }))).toBe(3)
  })

  test('of a fork takes what it stands on too', async () => {
    await using opened = await openCountingDisk()
    const { cacheDir, overlayDir } = opened.options
    await countOf(opened.image)
    const fork = await opened.image.fork()
    const { path, directory } = await diskAt(fork.path, { cacheDir, overlayDir }).keep()
    await fork.dispose()
    await opened.image.dispose()
    expect(readdirSync(directory)).toHaveLength(3)
    expect(await countOf(diskAt(basename(directory), { cacheDir, overlayDir }))).toBe(2)
    expect(await countOfFile(path)).toBe(3)
  })

  test('leaves nothing where it cannot be kept', async () => {
    await using opened = await openCountingDisk()
    const { cacheDir, overlayDir } = opened.options
    const fork = await opened.image.fork()
    const disk = diskAt(fork.path, { cacheDir, overlayDir })
    rmSync(opened.image.path)
    await expect(disk.keep()).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
    expect(readdirSync(keptDirectory(String(overlayDir)))).toEqual([])
    await fork.dispose()
  })
})
