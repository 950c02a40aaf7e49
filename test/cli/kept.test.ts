/** The commands about kept disks and other overlays, as a user types them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { spawn } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createOverlay } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { qcow2Of } from '../../fixtures/images/small-qcow2.js'
import {
  type CountingDisk,
  countOf,
  countOfFile,
  openCountingDisk,
  startMachine,
} from '../image/counting-disk.js'
import { qemuImg } from '../support/qemu.js'
import { finish, main, type Output } from './command.js'

function run({ options, directory }: CountingDisk, ...args: readonly string[]): Promise<Output> {
  const env = {
    ...process.env,
    VMIMAGE_CACHE_DIR: options.cacheDir,
    VMIMAGE_OVERLAY_DIR: options.overlayDir,
    VMIMAGE_OFFLINE: '1',
  }
  return finish(spawn(process.execPath, [main, ...args], { env, cwd: directory }))
}

/** A disk that was booted once and kept, and the name of its directory. */
async function openKept() {
  const disk = await openCountingDisk()
  await countOf(disk.image)
  const { path, directory, boot } = await disk.image.keep()
  return { disk, path, directory, boot, name: basename(directory) }
}

describe('vmimage kept', () => {
  test('lists kept disks with system, size, test and path, and what boots them', async () => {
    const { disk, path, boot, name } = await openKept()
    await using _ = disk
    const { code, stdout } = await run(disk, 'kept')
    expect(code).toBe(0)
    for (const text of [name, 'Acme 1', path]) expect(stdout).toContain(text)
    const { stdout: json } = await run(disk, 'kept', '--json')
    expect(JSON.parse(json)).toMatchObject([{ name, failed: false, disks: [{ chain: { path }, boot }] }])
  })

  test('says where it looked when there is none', async () => {
    await using disk = await openCountingDisk()
    expect(await run(disk, 'kept')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No disks are kept in'),
    })
    expect((await run(disk, 'kept', '--json')).stdout).toBe('[]\n')
  })
})

describe('vmimage keep', () => {
  test('keeps the disk of a test that is running, and says how to boot it', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const { stdout } = await run(disk, 'keep', image.path)
    const path = /^kept +(\S+)$/m.exec(stdout)?.[1] ?? ''
    expect(path).toContain('/kept/')
    expect(stdout).toMatch(/^boot +qemu-system-x86_64 .*-drive /m)
    expect(await countOfFile(path)).toBe(2)
    // Again it is the same.
    const again = JSON.parse((await run(disk, 'keep', path, '--json')).stdout) as object // of our own making
    expect(again).toMatchObject({ path })
  })
})

describe('vmimage info and changes', () => {
  test('know a kept disk by name, by directory and by path', async () => {
    const { disk, path, directory, name } = await openKept()
    await using _ = disk
    const { baseImage } = disk.image
    for (const asked of [name, directory, path]) {
      const info = JSON.parse((await run(disk, 'info', asked, '--json')).stdout) as object // of our own making
      expect(info).toMatchObject({
        path,
        isFrozen: false,
        isOpen: false,
        base: { path: baseImage, format: 'qcow2' },
      })
    }
    expect((await run(disk, 'info', name)).stdout).toContain(baseImage)
    const changes = await run(disk, 'changes', name, '--ranges', '--json')
    expect(JSON.parse(changes.stdout)).toMatchObject({
      clusters: 1,
      bytes: 2048,
      ranges: [{ length: 2048, kind: 'data' }],
    })
    expect((await run(disk, 'changes', name)).stdout).toMatch(/written +2 KiB/)
  })

  test('know an overlay in use by its path, and that it is in use', async () => {
    await using disk = await openCountingDisk()
    await using _ = await startMachine(...disk.image.launch.args)
    const { stdout } = await run(disk, 'info', disk.image.path)
    expect(stdout).toMatch(/in use +yes/)
  })

  test('say what is wrong with a name that there is not, and with what is no overlay', async () => {
    await using disk = await openCountingDisk()
    const missing = await run(disk, 'info', 'boots-1')
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('vmimage kept') })
    writeFileSync(join(disk.directory, 'text'), 'a text')
    expect((await run(disk, 'changes', 'text')).code).not.toBe(0)
  })

  test('follow the header of a file to no other file, unless they are told to', async () => {
    await using disk = await openCountingDisk()
    const base = join(disk.directory, 'base.qcow2')
    writeFileSync(base, qcow2Of(bootCounterDisk()))
    const path = join(disk.directory, 'own.qcow2')
    createOverlay(path, inspectImage(base))
    const refused = await run(disk, 'export', path, 'out.raw', '--format', 'raw')
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('--base FILE') })
    expect(existsSync(join(disk.directory, 'out.raw'))).toBe(false)
    expect(await run(disk, 'export', path, 'out.raw', '--format', 'raw', '--base', base)).toMatchObject({
      code: 0,
    })
    expect(readFileSync(join(disk.directory, 'out.raw')).equals(bootCounterDisk())).toBe(true)
  })

  test('follow no chain of files that bites its tail', async () => {
    await using disk = await openCountingDisk()
    const path = join(disk.directory, 'ring.qcow2')
    const size = { format: 'qcow2', virtualSizeBytes: 2 ** 20, isBeside: true } as const
    createOverlay(path, { ...size, path })
    expect(await run(disk, 'info', path)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no end'),
    })
  })
})

describe('vmimage export and reset', () => {
  test('write a kept disk to one file, and take back what was written to it', async () => {
    const { disk, path, name } = await openKept()
    await using _ = disk
    const out = join(disk.directory, 'out.vmdk')
    const exported = await run(disk, 'export', name, 'out.vmdk', '--format', 'vmdk', '--json')
    expect(JSON.parse(exported.stdout)).toEqual({ path: out, format: 'vmdk' })
    expect(await qemuImg('compare', '-f', 'qcow2', '-F', 'vmdk', path, out)).toContain('identical')
    const again = await run(disk, 'export', name, 'out.vmdk')
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('never overwritten') })
    expect(await run(disk, 'export', name, 'out.bin', '--format', 'floppy')).toMatchObject({ code: 2 })
    expect(await countOfFile(path)).toBe(2)
    expect(JSON.parse((await run(disk, 'reset', name, '--json')).stdout)).toEqual({ path })
    expect(await countOfFile(path)).toBe(1)
  })

  test('know a fork and what it stands on by the file alone, and do not reset what was forked', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    await using fork = await disk.image.fork()
    await countOf(fork)
    const { stdout } = await run(disk, 'info', fork.path, '--json')
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(await fork.info())))
    const frozen = await run(disk, 'reset', disk.image.path)
    expect(frozen).toMatchObject({ code: 1, stderr: expect.stringContaining('DISK_FROZEN') })
    expect(await run(disk, 'reset', fork.path)).toMatchObject({ code: 0 })
    expect(await countOf(fork)).toBe(2)
  })

  test('leave a disk alone that a machine has open', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await using _ = await startMachine(...image.launch.args)
    for (const args of [
      ['reset', image.path],
      ['export', image.path, 'out'],
    ]) {
      expect(await run(disk, ...args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('has it open'),
      })
    }
    expect(existsSync(join(disk.directory, 'out'))).toBe(false)
  })
})
