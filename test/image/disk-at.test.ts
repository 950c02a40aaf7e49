import { appendFileSync, chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Disk, diskAt } from '../../src/image/disk-at.js'
import { qemuImg } from '../support/qemu.js'
import { countOf, countOfFile, machineOf, openCountingDisk } from './counting-disk.js'
import { openKept } from './kept-disk.js'

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
    const gone = { code: 'BASE_CHANGED', message: expect.stringMatching(/it is gone.*\n.*--base FILE/) }
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

describe('diskAt() looks at what a kept disk stands on', () => {
  const uses = {
    launch: (disk: Disk) => Promise.resolve().then(() => disk.launch),
    export: (disk: Disk) => disk.exportTo(`${disk.path}.copy`),
    reset: (disk: Disk) => disk.reset(),
  } as const

  test.each(Object.keys(uses) as (keyof typeof uses)[])('%s sees a base that was written to', async (use) => {
    const { opened, find } = await openKept()
    await using _ = opened
    const disk = find()
    chmodSync(disk.baseImage, 0o644)
    const bytes = readFileSync(disk.baseImage)
    writeFileSync(disk.baseImage, bytes)
    await expect(uses[use](disk)).rejects.toMatchObject({ code: 'BASE_CHANGED' })
  })

  test.each(Object.keys(uses) as (keyof typeof uses)[])('%s sees a frozen disk that was', async (use) => {
    await using opened = await openCountingDisk()
    const { cacheDir, overlayDir } = opened.options
    const fork = await opened.image.fork()
    const { path, directory } = await fork.keep()
    const disk = diskAt(path, { cacheDir, overlayDir })
    appendFileSync(join(directory, basename(opened.image.path)), Buffer.alloc(65_536))
    await expect(uses[use](disk)).rejects.toMatchObject({
      code: 'BASE_CHANGED',
      message: expect.stringContaining('forked disk'),
    })
    await fork.dispose()
  })

  test('launch and exportTo() refuse a data file, of the disk and of what it stands on', async () => {
    await using opened = await openCountingDisk()
    const { cacheDir, overlayDir } = opened.options
    const { virtualSizeBytes } = opened.image
    const fork = await opened.image.fork()
    const { directory } = await fork.keep()
    const secret = join(opened.directory, 'secret')
    for (const name of [basename(opened.image.path), basename(fork.path)]) {
      const path = join(directory, name)
      rmSync(path)
      const option = `data_file=${secret},data_file_raw=on`
      await qemuImg('create', '-f', 'qcow2', '-o', option, path, String(virtualSizeBytes))
      // As if it were in no note, which would know the file as it was.
      const note = readFileSync(join(directory, 'note.json'), 'utf8')
      writeFileSync(join(directory, 'note.json'), note.replace('"parentStamps"', '"otherStamps"'))
      const disk = diskAt(fork.path, { cacheDir, overlayDir })
      const refused = { code: 'UNSAFE_IMAGE', message: expect.stringContaining('Q9-data-file') }
      expect(() => disk.launch).toThrow(expect.objectContaining(refused))
      await expect(disk.exportTo(join(directory, 'copy'))).rejects.toMatchObject(refused)
    }
    await fork.dispose()
  })

  test('takes a base that is named in place of the noted one, by name and by path', async () => {
    const { opened, path, directory, find } = await openKept()
    await using _ = opened
    const { cacheDir, overlayDir } = opened.options
    const base = join(opened.directory, 'moved')
    copyFileSync(opened.image.baseImage, base)
    rmSync(opened.image.baseImage)
    expect(() => find().launch).toThrow(expect.objectContaining({ code: 'BASE_CHANGED' }))
    for (const asked of [basename(directory), directory, path]) {
      const disk = diskAt(asked, { base, cacheDir, overlayDir })
      expect(disk.baseImage).toBe(base)
      expect(() => diskAt(asked, { base: `${base}.gone`, cacheDir, overlayDir })).toThrow(
        expect.objectContaining({ code: 'FILE_NOT_FOUND' }),
      )
    }
    expect(await countOf(diskAt(path, { base, cacheDir, overlayDir }))).toBe(2)
  })
})
