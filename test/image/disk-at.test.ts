import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { diskAt } from '../../src/image/disk-at.js'
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
