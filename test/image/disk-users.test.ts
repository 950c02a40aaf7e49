import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deviceInTable, isLockedByQemu, isLockedByQemuNow } from '../../src/image/disk-locks.js'
import { requireUnused, usersText } from '../../src/image/disk-users.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'
import { countOf, machineOf, openCountingDisk, startMachine } from './counting-disk.js'

interface LockTable extends AsyncDisposable {
  readonly path: string
  /** A file, for which `INODE` and `DEVICE` stand in the lines. */
  readonly disk: string
}

/** A table of locks as proc(5) has it, with these lines. */
async function tableOf(text: string): Promise<LockTable> {
  const dir = await tempDir()
  const [path, disk] = [join(dir.path, 'locks'), join(dir.path, 'disk')]
  writeFileSync(disk, '')
  const inode = String(statSync(disk).ino)
  const device = deviceInTable(disk) ?? 'unknown'
  writeFileSync(path, text.replaceAll('INODE', inode).replaceAll('DEVICE', device))
  return { path, disk, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}

describe('isLockedByQemu()', () => {
  test.each([
    ['QEMU’s own byte', '1: OFDLCK ADVISORY  READ -1 DEVICE:INODE 100 101\n', true],
    ['a byte that QEMU denies others', '2: OFDLCK ADVISORY  READ -1 DEVICE:INODE 201 201\n', true],
    ['who waits for one', '1: -> POSIX ADVISORY  WRITE 12 DEVICE:INODE 103 103\n', true],
    ['another inode', '1: OFDLCK ADVISORY  READ -1 DEVICE:INODE7 100 101\n', false],
    ['an inode that ends so', '1: OFDLCK ADVISORY  READ -1 DEVICE:1INODE 100 101\n', false],
    ['a lock of the whole file', '1: FLOCK  ADVISORY  WRITE 44 DEVICE:INODE 0 EOF\n', false],
    ['the inode on another file system', '1: OFDLCK ADVISORY  READ -1 ff:fe:INODE 100 101\n', false],
    ['nothing', '', false],
  ])('sees in the table of locks %s', async (_, text, isLocked) => {
    await using table = await tableOf(text)
    expect(await isLockedByQemu(table.disk, table.path)).toBe(isLocked)
    expect(isLockedByQemuNow(table.disk, table.path)).toBe(isLocked)
  })

  test('does not know where there is no such table', async () => {
    await using table = await tableOf('')
    expect(await isLockedByQemu(table.disk, '/nowhere/locks')).toBeUndefined()
    expect(isLockedByQemuNow(table.disk, '/nowhere/locks')).toBeUndefined()
  })

  test('knows that nobody has a file open that is not there', async () => {
    expect(await isLockedByQemu('/nowhere/disk')).toBe(false)
  })

  test('knows a disk that a machine has open, until it ends', async () => {
    await using disk = await openCountingDisk()
    expect(await isLockedByQemu(disk.image.path)).toBe(false)
    {
      await using _ = await machineOf(disk.image)
      expect(await isLockedByQemu(disk.image.path)).toBe(true)
      expect(isLockedByQemuNow(disk.image.path)).toBe(true)
      expect(usersText(disk.image.path)).toMatch(/^qemu-system-x86_64 \(pid \d+\)$/)
      expect(await disk.image.info()).toMatchObject({ isOpen: true })
    }
    expect(await isLockedByQemu(disk.image.path)).toBe(false)
    expect(usersText(disk.image.path)).toBe('a program')
    expect(await disk.image.info()).toMatchObject({ isOpen: false })
  })
})

describe('requireUnused() without a table of locks', () => {
  const noTable = '/nowhere/locks'

  test('lets qemu-img try the lock', async () => {
    await using disk = await openCountingDisk()
    await requireUnused(disk.image.path, 'Cannot reset', noTable)
    await using _ = await machineOf(disk.image)
    await expect(requireUnused(disk.image.path, 'Cannot reset', noTable)).rejects.toMatchObject({
      code: 'DISK_IN_USE',
    })
  })

  test('refuses where there is no qemu-img either, and says why', async () => {
    await using disk = await openCountingDisk()
    await using worker = startWorker(
      `const { requireUnused } = await source('image/disk-users.ts')
      const asking = requireUnused(${JSON.stringify(disk.image.path)}, 'Cannot reset', '${noTable}')
      await asking.catch((error) => console.log(error.code, error.message))`,
      { PATH: '/nowhere' },
    )
    const line = await worker.line(/^TOOL_MISSING/)
    expect(line).toContain('whether a machine has it open cannot be told here without qemu-img')
  })
})

describe('dispose()', () => {
  test('of a disk that a machine has open deletes it, and names the machine', async () => {
    await using disk = await openCountingDisk()
    const { image, events } = disk
    // Without a device for it, so that the monitor may write as a guest would.
    await using machine = await startMachine(...image.launch.args)
    const write = { 'command-line': `qemu-io ${image.launch.node} "write -P 1 0 4096"` }
    await machine.ask('human-monitor-command', write)
    await image.dispose()
    expect(statSync(image.path, { throwIfNoEntry: false })).toBeUndefined()
    const [event, ...others] = events
    expect(event).toMatchObject({
      type: 'warning',
      message: expect.stringMatching(/is deleted while qemu-system-x86_64 \(pid \d+\) has it open/),
    })
    expect(others).toEqual([])
    // The machine goes on with its disk.
    const { printed } = await machine.ask('human-monitor-command', write)
    expect(printed).toMatch(/wrote 4096\/4096 bytes/)
  })

  test('of a disk that nobody has open, or where nothing was written, says nothing', async () => {
    await using written = await openCountingDisk()
    await countOf(written.image)
    await written.image.dispose()
    await using empty = await openCountingDisk()
    await using _ = await machineOf(empty.image)
    await empty.image.dispose()
    expect([...written.events, ...empty.events]).toEqual([])
  })
})
