import {
  chmodSync,
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chainOf } from '../../src/image/disk-state.js'
import { resetDisk, writeFresh } from '../../src/image/reset-disk.js'
import { stateOf } from '../../src/image/vm-image.js'
import { qemuImg } from '../support/qemu.js'
import { countOf, machineOf, openCountingDisk } from './counting-disk.js'

describe('image.reset()', () => {
  test('takes back what was written, at the same path, and with the same size and features', async () => {
    await using disk = await openCountingDisk({ extendedL2: false })
    const { image } = disk
    const { path } = image
    expect([await countOf(image), await countOf(image)]).toEqual([1, 2])
    const { qcow2 } = await image.info()
    await image.reset()
    expect(image.path).toBe(path)
    expect(await image.changes()).toMatchObject({ bytes: 0, clusters: 0 })
    expect(await image.info()).toMatchObject({ qcow2, virtualSizeBytes: image.virtualSizeBytes })
    expect(await countOf(image)).toBe(1)
    expect(readdirSync(dirname(path)).filter((name) => name.includes('.qcow2'))).toHaveLength(1)
    expect(await qemuImg('check', '-f', 'qcow2', path)).toContain('No errors were found')
  })

  test('of a fork goes back to where it was forked', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    await using fork = await disk.image.fork({ size: '2M' })
    expect([await countOf(fork), await countOf(fork)]).toEqual([2, 3])
    await fork.reset()
    expect(await countOf(fork)).toBe(2)
    expect(fork.virtualSizeBytes).toBe(2 ** 21)
    await resetDisk(chainOf(stateOf(fork)))
    expect(await countOf(fork)).toBe(2)
    expect(await fork.info()).toMatchObject({ virtualSizeBytes: 2 ** 21 })
  })

  test('is refused while a machine has it open, and changes nothing', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    {
      await using _ = await machineOf(image)
      const before = readFileSync(image.path)
      await expect(image.reset()).rejects.toMatchObject({
        code: 'DISK_IN_USE',
        message: expect.stringMatching(/Cannot reset .*qemu-system-x86_64 \(pid \d+\)/),
      })
      expect(readFileSync(image.path).equals(before)).toBe(true)
    }
    await image.reset()
    expect(await countOf(image)).toBe(1)
  })

  test('takes back a disk that QEMU has marked as damaged, which nothing else does', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    const damage = async () => {
      expect(await countOf(image)).toBe(1)
      const bytes = readFileSync(image.path)
      bytes[79] = (bytes[79] ?? 0) | 2 // incompatible features, bit 1
      writeFileSync(image.path, bytes)
      await expect(image.changes()).rejects.toMatchObject({ code: 'UNSAFE_IMAGE' })
      expect((await image.info()).qcow2?.features).toContain('corrupt')
    }
    await damage()
    await image.reset()
    await damage()
    await resetDisk(chainOf(stateOf(image)))
    expect(await countOf(image)).toBe(1)
    expect((await image.info()).qcow2?.features).toEqual(['extended L2 entries'])
  })

  test('is refused to who comes in while it waits, and leaves no draft', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    await using machine = await machineOf(image)
    expect(await machine.ask('query-status')).toHaveProperty('return')
    const before = readFileSync(image.path)
    expect(() => writeFresh(image.path, stateOf(image).base, { sizeBytes: image.virtualSizeBytes })).toThrow(
      expect.objectContaining({ code: 'DISK_IN_USE' }),
    )
    expect(readFileSync(image.path).equals(before)).toBe(true)
    expect(readdirSync(dirname(image.path)).filter((name) => name.includes('.qcow2'))).toHaveLength(1)
  })

  test('is never seen by who has the file open without a lock', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const before = readFileSync(image.path)
    const fd = openSync(image.path, 'r')
    try {
      await image.reset()
      const seen = Buffer.alloc(before.length)
      readSync(fd, seen, 0, seen.length, 0)
      expect(seen.equals(before)).toBe(true)
      expect(fstatSync(fd).ino).not.toBe(statSync(image.path).ino)
    } finally {
      closeSync(fd)
    }
  })

  test('is refused where the base was changed, and where the disk is gone', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    const bytes = readFileSync(image.baseImage)
    chmodSync(image.baseImage, 0o644)
    writeFileSync(image.baseImage, Buffer.alloc(bytes.length))
    await expect(image.reset()).rejects.toMatchObject({ code: 'BASE_CHANGED' })
    rmSync(image.path)
    await expect(image.reset()).rejects.toMatchObject({ code: 'DISK_GONE' })
  })
})
