import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { fileRules, gateRules } from '../../src/qcow2/gate.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { refusalOf } from './refusal-of.js'

describe('inspectImage() lets in', () => {
  const clusterSizes = ['512', '4k', '64k', '2M'].map((size) => ['-o', `cluster_size=${size}`])
  test.each([
    ['-o', 'compat=0.10'],
    ['-o', 'compat=1.1'],
    ['-o', 'extended_l2=on'],
    ['-o', 'lazy_refcounts=on'],
    ['-o', 'refcount_bits=1'],
    ['-o', 'refcount_bits=64'],
    ['-o', 'preallocation=metadata'],
    ['-c', '-o', 'compression_type=zlib'],
    ['-c', '-o', 'compression_type=zstd'],
    ...clusterSizes,
  ])('qcow2 images that qemu-img wrote with %s %s %s', async (...options) => {
    await using dir = await tempDir()
    const [raw, path] = [join(dir.path, 'disk'), join(dir.path, 'image')]
    writeFileSync(raw, bootCounterDisk())
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options.filter(Boolean), raw, path)
    const image = inspectImage(path, { declaredFormat: 'qcow2' })
    expect(image).toMatchObject({ path, format: 'qcow2', virtualSizeBytes: 1_048_576, warnings: [] })
  })

  test('an empty qcow2 image with bitmaps, and agrees with qemu-img about its size', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', 'qcow2', path, '3T')
    await qemuImg('bitmap', '--add', '-f', 'qcow2', path, 'changes')
    const info: unknown = JSON.parse(await qemuImg('info', '-f', 'qcow2', '--output=json', path))
    expect(info).toMatchObject({ 'virtual-size': inspectImage(path).virtualSizeBytes })
  })

  test('the images that stand in for the publishers’, whatever their name', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image.raw')
    writeFileSync(path, smallQcow2('a'))
    expect(inspectImage(path)).toEqual({
      path,
      format: 'qcow2',
      virtualSizeBytes: 4_194_304,
      fileSizeBytes: 524_288,
      warnings: [],
    })
  })

  test('a raw disk with a partition table, without a warning', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image.qcow2')
    writeFileSync(path, bootCounterDisk())
    expect(inspectImage(path, { declaredFormat: 'raw' })).toEqual({
      path,
      format: 'raw',
      virtualSizeBytes: 1_048_576,
      fileSizeBytes: 1_048_576,
      warnings: [],
    })
  })

  test('a raw disk of an odd size without a partition table, with two warnings', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, 'a'.repeat(1000))
    const image = inspectImage(path)
    expect(image).toMatchObject({ format: 'raw', virtualSizeBytes: 1024, fileSizeBytes: 1000 })
    expect(image.warnings).toEqual([expect.stringContaining('W1'), expect.stringContaining('W3')])
  })

  test('a qcow2 image of the largest size that the caller allows', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, smallQcow2('a'))
    expect(inspectImage(path, { maxVirtualSizeBytes: 4_194_304 }).format).toBe('qcow2')
    expect(refusalOf(path, { maxVirtualSizeBytes: 4_194_303 }).message).toContain('Rule Q4-limit')
  })
})

describe('inspectImage() refuses', () => {
  test('a file that is not there', async () => {
    await using dir = await tempDir()
    const missing = refusalOf(join(dir.path, 'image'))
    expect(missing.code).toBe('FILE_NOT_FOUND')
    expect(missing.message.split('\n')[1]).toContain('Check the spelling')
    writeFileSync(join(dir.path, 'file'), '')
    expect(refusalOf(join(dir.path, 'file', 'image')).code).toBe('FILE_NOT_FOUND')
  })

  test('a link, a directory, a pipe, a socket and a device (S1)', async () => {
    await using dir = await tempDir()
    const path = (name: string) => join(dir.path, name)
    writeFileSync(path('image'), smallQcow2('a'))
    symlinkSync('image', path('link'))
    mkdirSync(path('directory'))
    spawnSync('mkfifo', [path('pipe')])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path('socket'), resolve))
    const found = ['link', 'directory', 'pipe', 'socket'].map((name) => refusalOf(path(name)))
    server.close()
    for (const { code, message } of [...found, refusalOf('/dev/null')]) {
      expect(code).toBe('UNSAFE_IMAGE')
      expect(message).toContain('Rule S1')
      expect(message).toContain(fileRules.S1.cure)
    }
  })

  test('bytes of another format than the declared one (S2)', async () => {
    await using dir = await tempDir()
    const [qcow2, raw] = [join(dir.path, 'a'), join(dir.path, 'b')]
    writeFileSync(qcow2, smallQcow2('a'))
    writeFileSync(raw, '<!DOCTYPE html><title>404</title>')
    for (const { code, message } of [
      refusalOf(qcow2, { declaredFormat: 'raw' }),
      refusalOf(raw, { declaredFormat: 'qcow2' }),
    ]) {
      expect(code).toBe('UNSAFE_IMAGE')
      expect(message).toContain('Rule S2')
      expect(message).toContain(fileRules.S2.cure)
    }
  })

  test('an empty file (W1)', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, '')
    const { code, message } = refusalOf(path)
    expect(code).toBe('UNSAFE_IMAGE')
    expect(message).toContain('Rule W1')
    expect(message).toContain(fileRules.W1.cure)
  })

  test.each([
    ['vmdk', []],
    ['vhdx', []],
    ['vdi', []],
    ['vpc', ['-o', 'subformat=dynamic']],
    ['vpc', ['-o', 'subformat=fixed']],
    ['qed', []],
    ['parallels', []],
    ['luks', ['--object', 'secret,id=s,data=x', '-o', 'key-secret=s,iter-time=10']],
  ])('a %s disk that qemu-img wrote (W2) %j', async (driver, options) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', driver, ...options, path, '1M')
    const { code, message } = refusalOf(path)
    expect(code).toBe('UNSUPPORTED_IMAGE')
    expect(message).toContain('Rule W2')
    expect(message.split('\n')[1]).toContain(`qemu-img convert -f ${driver}`)
  })

  test('a qcow2 file that was cut short at any place', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, smallQcow2('a'))
    for (const length of [196_608 + 7, 131_071, 65_536, 1000, 112, 103, 72, 71, 8, 4]) {
      truncateSync(path, length)
      expect(refusalOf(path).message).toMatch(/Rule (Q1|Q6-place|Q6-entries|Q7-place|Q12-length):/)
    }
  })
})

test('every rule has an id of its own, a meaning and a cure', () => {
  const ids = gateRules.map(({ id }) => id)
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  for (const { id, meaning, cure } of gateRules) {
    expect(id).toMatch(/^[SQW]\d+(-[a-z]+)*$/)
    expect(meaning).toMatch(/^[A-Z].*\.$/)
    expect(cure).toMatch(/^[A-Z].+/)
  }
})
