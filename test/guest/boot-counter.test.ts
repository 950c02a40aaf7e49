import { createHash } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bootCounterDisk, greeting } from '../../fixtures/images/boot-counter.js'
import { qcow2Of } from '../../fixtures/images/small-qcow2.js'
import { createOverlay, type OverlayOptions } from '../../src/qcow2/create.js'
import { type DiskImage, inspectImage } from '../../src/qcow2/inspect.js'
import { bootGuest, qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

const first = `${greeting}1\n`
const second = `${greeting}2\n`

function writeBase(directory: string, bytes: Buffer): DiskImage {
  const path = join(directory, 'base')
  writeFileSync(path, bytes)
  chmodSync(path, 0o444)
  return inspectImage(path)
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** The disk as most people name it: QEMU finds the base by the name in the overlay. */
function drive(path: string, bus = 'virtio'): string[] {
  return ['-drive', `file=${path},format=qcow2,if=${bus}`]
}

/** The disk with its base named too, which QEMU then opens read-only whatever the overlay says. */
function explicitChain(path: string, base: DiskImage): string[] {
  const node = {
    driver: 'qcow2',
    'node-name': 'disk',
    cache: { 'no-flush': true },
    file: { driver: 'file', filename: path },
    backing: {
      driver: base.format,
      'read-only': true,
      ...(base.format === 'qcow2' && { backing: null }),
      file: { driver: 'file', filename: base.path, 'read-only': true },
    },
  }
  return ['-blockdev', JSON.stringify(node), '-device', 'virtio-blk-pci,drive=disk']
}

describe.each([
  ['raw', bootCounterDisk()],
  ['qcow2 of version 2', qcow2Of(bootCounterDisk(), { version: 2 })],
  ['qcow2 of version 3', qcow2Of(bootCounterDisk())],
])('a guest on overlays of a %s base', (_, bytes) => {
  test('finds the disk fresh in each overlay, and its own changes when it boots again', async () => {
    await using dir = await tempDir()
    const base = writeBase(dir.path, bytes)
    const digest = sha256(base.path)
    const [a, b] = [join(dir.path, 'a'), join(dir.path, 'b')]
    createOverlay(a, base)
    createOverlay(b, base)
    expect(await Promise.all([bootGuest(...drive(a)), bootGuest(...drive(b))])).toEqual([first, first])
    expect(await bootGuest(...drive(a))).toBe(second)
    expect(await qemuImg('check', '-f', 'qcow2', a)).toContain('No errors were found')
    expect(sha256(base.path)).toBe(digest)
  })

  test('boots from an explicit chain of block devices too', async () => {
    await using dir = await tempDir()
    const base = writeBase(dir.path, bytes)
    const digest = sha256(base.path)
    const path = join(dir.path, 'overlay')
    createOverlay(path, base)
    expect(await bootGuest(...explicitChain(path, base))).toBe(first)
    expect(await bootGuest(...explicitChain(path, base))).toBe(second)
    expect(sha256(base.path)).toBe(digest)
  })
})

test.each<[string, OverlayOptions, string]>([
  ['without extended L2', { extendedL2: false }, 'virtio'],
  ['dense', { dense: true }, 'virtio'],
  ['of 64 TiB', { sizeBytes: 64 * 2 ** 40 }, 'virtio'],
  ['on an IDE bus', {}, 'ide'],
])('a guest counts on an overlay %s', async (_, options, bus) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'overlay')
  createOverlay(path, writeBase(dir.path, qcow2Of(bootCounterDisk())), options)
  expect(await bootGuest(...drive(path, bus))).toBe(first)
  expect(await bootGuest(...drive(path, bus))).toBe(second)
})

test('a guest that cannot write its disk says so and ends', async () => {
  await using dir = await tempDir()
  const { path } = writeBase(dir.path, bootCounterDisk())
  expect(await bootGuest('-drive', `file=${path},format=raw,if=virtio,readonly=on`)).toBe(
    'Cannot use the disk.\n',
  )
})
