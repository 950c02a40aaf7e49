import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { bootGuest } from '../support/qemu.js'
import { type CountingDisk, countOf, countOfFile, machineOf, openCountingDisk } from './counting-disk.js'

function kept({ options }: CountingDisk): readonly string[] {
  return readdirSync(keptDirectory(String(options.overlayDir))).toSorted()
}

/** What the end of a run, and the start of the next, take away. */
function endRun({ options, image }: CountingDisk): void {
  const { cacheDir, overlayDir } = options
  expect(readdirSync(overlayRuns(String(overlayDir)))).toEqual([])
  sweepDeadRuns(makeContext({ cacheDir, overlayDir }, {}))
  expect(existsSync(image.baseImage)).toBe(true)
}

describe('image.keep()', () => {
  test('moves the disk to where it stays, with a note, and boots after the end of the run', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const { path, directory, boot } = await image.keep()
    expect(image.path).toBe(path)
    expect(dirname(path)).toBe(directory)
    expect(kept(disk)).toEqual([basename(directory)])
    const note = JSON.parse(readFileSync(join(directory, 'note.json'), 'utf8')) as object // of our own making
    expect(note).toMatchObject({ failed: false, images: [{ path, boot, baseImage: image.baseImage }] })
    expect(boot).toContain(path)
    expect(await countOf(image)).toBe(2)
    await image.dispose()
    endRun(disk)
    expect(await countOfFile(path)).toBe(3)
  })

  test('can be asked twice, and of a disk that a machine has open', async () => {
    await using disk = await openCountingDisk()
    {
      await using _ = await machineOf(disk.image)
      const first = await disk.image.keep()
      expect(await disk.image.keep()).toEqual(first)
    }
    expect(kept(disk)).toHaveLength(1)
    expect(await countOf(disk.image)).toBe(1)
  })

  test('of a fork takes what it stands on with it, and leaves that to the other forks', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    const [one, two] = [await disk.image.fork(), await disk.image.fork()]
    await countOf(one)
    const { path, directory } = await one.keep()
    expect(readdirSync(directory)).toHaveLength(3)
    expect(await countOf(two)).toBe(2)
    expect(await countOf(one)).toBe(3)
    for (const image of [disk.image, one, two]) await image.dispose()
    endRun(disk)
    expect(await countOfFile(path)).toBe(4)
    const moved = join(disk.directory, 'elsewhere')
    mkdirSync(moved)
    // Both name each other by their directory, so it may be moved as a whole.
    renameSync(directory, join(moved, 'kept'))
    expect(await countOfFile(join(moved, 'kept', basename(path)))).toBe(5)
  })

  test('of a frozen disk keeps it as its forks need it, and its boot command writes elsewhere', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const fork = await image.fork()
    const before = image.path
    const { path, boot } = await image.keep()
    expect(image.path).toBe(path)
    expect(existsSync(before)).toBe(true) // for the fork
    expect(boot).toContain('snapshot=on')
    expect(statSync(path).mode & 0o777).toBe(0o444)
    expect(await countOf(fork)).toBe(2)
    await fork.dispose()
    await image.dispose()
    endRun(disk)
    const drive = /-drive (\S+)/.exec(boot)?.[1] ?? ''
    expect(await bootGuest('-drive', drive)).toBe(await bootGuest('-drive', drive))
  })

  test('of a disk that is kept already can be forked, and the fork kept', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const first = await image.keep()
    const fork = await image.fork()
    const { boot } = await image.keep()
    const note = readFileSync(join(first.directory, 'note.json'), 'utf8')
    expect([first.boot, boot, note].map((text) => text.includes('snapshot=on'))).toEqual([false, true, true])
    expect(readdirSync(first.directory).toSorted()).toEqual([basename(first.path), 'note.json'].toSorted())
    expect(await countOf(fork)).toBe(2)
    const { path } = await fork.keep()
    await fork.dispose()
    await image.dispose()
    endRun(disk)
    rmSync(dirname(image.path), { recursive: true })
    expect(await countOfFile(path)).toBe(3)
  })

  test('that fails leaves nothing, and says where it could not', async () => {
    await using disk = await openCountingDisk()
    const fork = await disk.image.fork()
    rmSync(disk.image.path)
    await expect(fork.keep()).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
    expect(kept(disk)).toEqual([])
    await fork.dispose()
  })

  test('says of a kept disk that somebody has removed it', async () => {
    await using disk = await openCountingDisk()
    const { path } = await disk.image.keep()
    rmSync(path)
    await expect(disk.image.keep()).rejects.toMatchObject({ code: 'DISK_GONE' })
  })

  test('of a disk that is gone is refused, and so is all else that it can do', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await image.dispose()
    const gone = { code: 'DISK_GONE' }
    expect(() => image.launch).toThrow(expect.objectContaining(gone))
    for (const use of [image.changes(), image.info(), image.reset(), image.exportTo(`${disk.directory}/x`)]) {
      await expect(use).rejects.toMatchObject(gone)
    }
  })

  test('of a disk that is gone keeps nothing', async () => {
    await using disk = await openCountingDisk()
    await disk.image.dispose()
    await expect(disk.image.keep()).rejects.toMatchObject({ code: 'DISK_GONE' })
    expect(() => kept(disk)).not.toThrow()
    expect(kept(disk)).toEqual([])
  })
})
