import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { diskAt } from '../../src/image/disk-at.js'
import { stateOf } from '../../src/image/vm-image.js'
import { createOverlay } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { readCachedImages } from '../../src/store/collect.js'
import { keptDirectory } from '../../src/store/layout.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { countOf, countOfFile, machineOf, openCountingDisk } from './counting-disk.js'
import { openKept } from './kept-disk.js'

describe('diskAt().keep()', () => {
  test('of a kept disk says where it is, and keeps nothing twice', async () => {
    const { opened, find } = await openKept()
    await using _ = opened
    const { kept } = stateOf(opened.image)
    expect(await find().keep()).toEqual(kept)
    expect(readdirSync(keptDirectory(String(opened.options.overlayDir)))).toHaveLength(1)
  })

  test('of a running test’s disk keeps it once, and its boot command writes elsewhere meanwhile', async () => {
    await using opened = await openCountingDisk()
    const { cacheDir, overlayDir } = opened.options
    const keep = () => diskAt(opened.image.path, { cacheDir, overlayDir }).keep()
    const kept = await keep()
    expect(kept.boot).toContain('snapshot=on')
    expect(await keep()).toEqual(kept)
    await opened.image.dispose()
    expect((await diskAt(kept.path, { cacheDir, overlayDir }).keep()).boot).not.toContain('snapshot=on')
  })

  test('holds a base that is read where it lies', async () => {
    await using opened = await openCountingDisk()
    const { cacheDir = '', overlayDir = '' } = opened.options
    const [key = ''] = readdirSync(join(cacheDir, 'v1/images'))
    const lying = join(cacheDir, 'v1/images', key, 'disk')
    const path = join(opened.directory, 'own.qcow2')
    createOverlay(path, inspectImage(lying))
    const { directory } = await diskAt(path, { cacheDir, overlayDir }).keep()
    await opened.image.dispose()
    const holders = () =>
      readCachedImages(makeContext({ cacheDir, overlayDir }, {})).flatMap((image) => image.holders)
    expect(holders()).toEqual([expect.objectContaining({ kind: 'kept' })])
    rmSync(directory, { recursive: true })
    sweepDeadRuns(makeContext({ cacheDir, overlayDir }, {}))
    expect(holders()).toEqual([])
  })

  test('says that a disk is gone, and leaves nothing', async () => {
    const { opened, directory, path, find } = await openKept()
    await using _ = opened
    const disk = find()
    rmSync(path)
    await expect(disk.keep()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    expect(() => disk.launch).toThrow(expect.objectContaining({ code: 'FILE_UNREADABLE' }))
    expect(readdirSync(keptDirectory(String(opened.options.overlayDir)))).toEqual([basename(directory)])
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

  test('copies a disk to another file system only while nobody has it open', async ({ skip }) => {
    await using opened = await openCountingDisk()
    const { cacheDir, overlayDir } = opened.options
    const { image } = opened
    const isElsewhere = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(image.path).dev
    skip(!isElsewhere, 'this system has no second file system (/dev/shm) to copy from')
    const directory = mkdtempSync('/dev/shm/vmimage-test-')
    try {
      const path = join(directory, 'disk.qcow2')
      copyFileSync(image.path, path)
      const disk = diskAt(path, { base: image.baseImage, cacheDir, overlayDir })
      {
        await using machine = await machineOf(disk)
        expect(await machine.ask('query-status')).toHaveProperty('return')
        await expect(disk.keep()).rejects.toMatchObject({ code: 'DISK_IN_USE' })
        expect(readdirSync(keptDirectory(String(overlayDir)))).toEqual([])
      }
      const kept = await disk.keep()
      expect(kept.boot).toContain(kept.path)
      expect(await countOf(diskAt(kept.path, { cacheDir, overlayDir }))).toBe(1)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
