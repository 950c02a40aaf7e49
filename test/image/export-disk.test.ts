import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exportFormats } from '../../src/image/export-disk.js'
import { qemuImg } from '../support/qemu.js'
import { startWorker } from '../support/worker.js'
import { countOf, countOfFile, machineOf, openCountingDisk } from './counting-disk.js'

describe('image.exportTo()', () => {
  test.each(exportFormats)('writes the whole disk as %s', async (format) => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    const path = join(disk.directory, `disk.${format}`)
    await disk.image.exportTo(path, { format })
    const compared = await qemuImg('compare', '-f', 'qcow2', '-F', format, disk.image.path, path)
    expect(compared).toContain('Images are identical')
    expect(await qemuImg('info', '-f', format, path)).toMatch(/virtual size: 1 MiB/)
  })

  test('of a fork has what all below it have, and stands alone', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    await using fork = await disk.image.fork()
    await countOf(fork)
    const path = join(disk.directory, 'alone.qcow2')
    await fork.exportTo(path)
    expect(await qemuImg('info', '-f', 'qcow2', path)).not.toContain('backing')
    expect(await countOfFile(path)).toBe(3)
    const frozen = join(disk.directory, 'frozen.qcow2')
    await disk.image.exportTo(frozen)
    expect(await countOfFile(frozen)).toBe(2)
  })

  test('of a frozen disk goes on beside the machine of a fork, which only reads it', async () => {
    await using disk = await openCountingDisk()
    await countOf(disk.image)
    await using fork = await disk.image.fork()
    await using _ = await machineOf(fork)
    const path = join(disk.directory, 'frozen.qcow2')
    await disk.image.exportTo(path)
    expect(await countOfFile(path)).toBe(2)
  })

  test('is refused when somebody has written to the base', async () => {
    await using disk = await openCountingDisk()
    const { baseImage } = disk.image
    chmodSync(baseImage, 0o644)
    appendFileSync(baseImage, 'x')
    const path = join(disk.directory, 'copy')
    await expect(disk.image.exportTo(path)).rejects.toMatchObject({ code: 'BASE_CHANGED' })
    expect(existsSync(path)).toBe(false)
  })

  test('packs when asked, in the formats that can', async () => {
    await using disk = await openCountingDisk()
    const at = (name: string) => join(disk.directory, name)
    for (const format of ['qcow2', 'vmdk'] as const) {
      await disk.image.exportTo(at(format), { format, compress: true })
      const compared = await qemuImg('compare', '-f', 'qcow2', '-F', format, disk.image.path, at(format))
      expect(compared).toContain('identical')
    }
    const map = await qemuImg('map', '-f', 'qcow2', '--output=json', at('qcow2'))
    expect(map).not.toContain('"offset"') // data without a place of their own are packed
    await expect(disk.image.exportTo(at('raw'), { format: 'raw', compress: true })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
  })

  test('tells how far it is', async () => {
    await using disk = await openCountingDisk({})
    const percents: number[] = []
    const onProgress = (percent: number) => void percents.push(percent)
    await disk.image.exportTo(join(disk.directory, 'copy'), { onProgress })
    expect(percents.at(0)).toBe(0)
    expect(percents.at(-1)).toBe(100)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
  })

  test('follows no name in the file', async () => {
    await using disk = await openCountingDisk()
    const { image } = disk
    await countOf(image)
    const secret = join(disk.directory, 'secret')
    writeFileSync(secret, Buffer.alloc(1_048_576, 's'))
    await qemuImg('rebase', '-u', '-f', 'qcow2', '-b', secret, '-F', 'raw', image.path)
    await image.exportTo(join(disk.directory, 'copy'), { format: 'raw' })
    const copy = readFileSync(join(disk.directory, 'copy'))
    expect(copy.includes('ssssssss')).toBe(false)
    await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', image.path, join(disk.directory, 'by-name'))
    expect(readFileSync(join(disk.directory, 'by-name')).includes('ssssssss')).toBe(true)
  })

  test('never overwrites, and leaves nothing beside it', async () => {
    await using disk = await openCountingDisk()
    mkdirSync(join(disk.directory, 'out'))
    const path = join(disk.directory, 'out/disk')
    writeFileSync(path, 'mine')
    await expect(disk.image.exportTo(path)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(readFileSync(path, 'utf8')).toBe('mine')
    expect(readdirSync(join(disk.directory, 'out'))).toEqual(['disk'])
  })

  test('says where it cannot write: no directory, a file for one, and one that is not ours', async () => {
    await using disk = await openCountingDisk()
    writeFileSync(join(disk.directory, 'file'), '')
    for (const [path, found] of [
      [join(disk.directory, 'none/disk'), /no such directory/],
      [join(disk.directory, 'file/disk'), /a file is where a directory is wanted/],
      ['/proc/disk', /Cannot export to "\/proc\/disk"/],
    ] as const) {
      await expect(disk.image.exportTo(path)).rejects.toMatchObject({
        code: 'FILE_UNWRITABLE',
        message: expect.stringMatching(found),
      })
    }
  })

  test('is refused while a machine has the disk open', async () => {
    await using disk = await openCountingDisk()
    await using _ = await machineOf(disk.image)
    const path = join(disk.directory, 'copy')
    await expect(disk.image.exportTo(path)).rejects.toMatchObject({ code: 'DISK_IN_USE' })
    expect(existsSync(path)).toBe(false)
  })

  test('says what to install where qemu-img is missing, and leaves nothing', async () => {
    await using disk = await openCountingDisk()
    mkdirSync(join(disk.directory, 'out'))
    const base = { path: disk.image.baseImage, format: disk.image.baseFormat }
    const chain = { path: disk.image.path, parents: [], base }
    const target = join(disk.directory, 'out/disk')
    await using worker = startWorker(
      `const { exportDisk } = await source('image/export-disk.ts')
      const exporting = exportDisk(${JSON.stringify(chain)}, ${JSON.stringify(target)})
      await exporting.catch((error) => console.log(error.code, error.message))`,
      { PATH: '/nowhere' },
    )
    expect(await worker.line(/^TOOL_MISSING/)).toContain('qemu-img')
    await worker.ended()
    expect(worker.output()).toContain('apt install qemu-utils')
    expect(readdirSync(join(disk.directory, 'out'))).toEqual([])
  })

  test('refuses a format that it does not know, and a disk that is gone', async () => {
    await using disk = await openCountingDisk()
    const path = join(disk.directory, 'copy')
    const format = 'vfat' as 'raw' // as JavaScript may ask
    await expect(disk.image.exportTo(path, { format })).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    await disk.image.dispose()
    await expect(disk.image.exportTo(path)).rejects.toMatchObject({ code: 'DISK_GONE' })
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })
})
