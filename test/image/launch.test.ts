/** What QEMU does with the node that a disk is launched by: it knows the whole chain, and what is below is read-only. */
import {
  appendFileSync,
  chmodSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { qcow2Of } from '../../fixtures/images/small-qcow2.js'
import { blockNode, nodeAsFileName } from '../../src/qcow2/block-node.js'
import { createOverlay } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { countOf, countOfFile, machineOf, openCountingDisk, startMachine } from './counting-disk.js'

test('a guest boots from image.launch, and finds its changes when it boots again', async () => {
  await using disk = await openCountingDisk()
  const { image } = disk
  expect(await countOf(image)).toBe(1)
  expect(await countOf(image)).toBe(2)
  expect(await qemuImg('check', '-f', 'qcow2', image.path)).toContain('No errors were found')
})

test('image.launch does not follow the name in the overlay, which leads astray whoever does', async () => {
  await using disk = await openCountingDisk()
  const { image } = disk
  await countOf(image)
  await qemuImg('rebase', '-u', '-f', 'qcow2', '-b', join(disk.directory, 'gone'), '-F', 'qcow2', image.path)
  await expect(countOfFile(image.path)).rejects.toThrow('Could not open backing file')
  expect(await countOf(image)).toBe(2)
})

test('the chain ends at the base, whatever that names, and with a parent between', async () => {
  await using dir = await tempDir()
  const at = (name: string) => join(dir.path, name)
  const secret = Buffer.alloc(65_536, 's')
  writeFileSync(at('secret'), secret)
  // A base that the gate would refuse: as if somebody had changed it since.
  await qemuImg('create', '-f', 'qcow2', '-b', at('secret'), '-F', 'raw', at('base'), '64k')
  const base = { path: at('base'), format: 'qcow2', virtualSizeBytes: 65_536 } as const
  createOverlay(at('parent'), base)
  createOverlay(at('overlay'), { ...base, path: at('parent'), isBeside: true })
  const chain = { path: at('overlay'), parents: [at('parent')], base }
  await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', at('overlay'), at('by-name'))
  expect(readFileSync(at('by-name')).equals(secret)).toBe(true)
  await qemuImg('convert', '-O', 'raw', nodeAsFileName(blockNode(chain)), at('by-node'))
  expect(readFileSync(at('by-node')).equals(Buffer.alloc(65_536))).toBe(true)
})

test.each(['raw', 'qcow2'] as const)(
  'a base that is %s is read as that, and nothing else is tried',
  async (format) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'base')
    writeFileSync(path, format === 'raw' ? bootCounterDisk() : qcow2Of(bootCounterDisk()))
    const base = inspectImage(path)
    const overlay = join(dir.path, 'overlay')
    createOverlay(overlay, base)
    const copy = join(dir.path, 'copy')
    await qemuImg(
      'convert',
      '-O',
      'raw',
      nodeAsFileName(blockNode({ path: overlay, parents: [], base })),
      copy,
    )
    expect(readFileSync(copy).equals(bootCounterDisk())).toBe(true)
  },
)

test('no commit reaches the base of image.launch, not root’s either; by the name of the file it does', async () => {
  await using disk = await openCountingDisk()
  const { image } = disk
  await countOf(image)
  const before = readFileSync(image.baseImage)
  {
    await using machine = await machineOf(image)
    const { node } = image.launch
    const { error } = await machine.ask('block-commit', { 'job-id': 'commit', device: node })
    expect(error?.desc).toMatch(/read-only|read only|Permission/i)
    const { return: said } = await machine.ask('human-monitor-command', { 'command-line': 'commit all' })
    expect(said).not.toBe('')
  }
  expect(readFileSync(image.baseImage).equals(before)).toBe(true)
  chmodSync(image.baseImage, 0o644)
  await using machine = await startMachine('-drive', `file=${image.path},format=qcow2,if=virtio`)
  await machine.ask('human-monitor-command', { 'command-line': 'commit all' })
  expect(readFileSync(image.baseImage).equals(before)).toBe(false)
})

test('image.launch is refused where the disk names another file for its data, which QEMU would open', async () => {
  await using disk = await openCountingDisk()
  const { image } = disk
  const secret = join(disk.directory, 'secret')
  writeFileSync(secret, Buffer.alloc(image.virtualSizeBytes, 's'))
  const { launch } = image
  rmSync(image.path)
  const options = `data_file=${secret},data_file_raw=on`
  await qemuImg('create', '-f', 'qcow2', '-o', options, image.path, String(image.virtualSizeBytes))
  writeFileSync(secret, Buffer.alloc(image.virtualSizeBytes, 's'))
  const copy = join(disk.directory, 'copy')
  await qemuImg('convert', '-O', 'raw', nodeAsFileName(launch.blockdev), copy)
  expect(readFileSync(copy).includes('ssssssss')).toBe(true)
  expect(() => image.launch).toThrow(
    expect.objectContaining({ code: 'UNSAFE_IMAGE', message: expect.stringContaining('Q9-data-file') }),
  )
  writeFileSync(image.path, 'none')
  expect(() => image.launch).toThrow(
    expect.objectContaining({ code: 'UNSAFE_IMAGE', message: expect.stringContaining('no qcow2 file') }),
  )
})

test('image.launch is refused where the base was changed or the disk is gone', async () => {
  await using disk = await openCountingDisk()
  const { image } = disk
  chmodSync(image.baseImage, 0o644)
  appendFileSync(image.baseImage, 'more')
  expect(() => image.launch).toThrow(expect.objectContaining({ code: 'BASE_CHANGED' }))
  rmSync(image.path)
  expect(() => image.launch).toThrow(expect.objectContaining({ code: 'DISK_GONE' }))
})

test('image.launch follows no link that somebody has put in the place of the disk', async () => {
  await using disk = await openCountingDisk()
  const { image } = disk
  renameSync(image.path, `${image.path}.moved`)
  symlinkSync(`${image.path}.moved`, image.path)
  expect(() => image.launch).toThrow(
    expect.objectContaining({ code: 'FILE_UNREADABLE', message: expect.stringContaining('symbolic link') }),
  )
})
