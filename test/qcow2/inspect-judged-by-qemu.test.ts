import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { refusalOf } from './refusal-of.js'

/** The format that qemu-img takes the file for, or what it says against it. */
async function probe(path: string): Promise<string> {
  try {
    const info: { readonly format: string } = JSON.parse(await qemuImg('info', '--output=json', path))
    return info.format
  } catch (error) {
    return String(error)
  }
}

/** A file of 4 KiB with these fields; text is as it is, numbers are 32 bits in little-endian. */
function fileOf(fields: readonly (readonly [offset: number, value: string | number])[]): Buffer {
  const bytes = Buffer.alloc(4096)
  for (const [offset, value] of fields) {
    if (typeof value === 'string') bytes.write(value, offset, 'latin1')
    else bytes.writeUInt32LE(value, offset)
  }
  return bytes
}

const descriptor = (extent: string) =>
  `CID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 1 FLAT "${extent}" 0\n`

describe('a text is refused just when qemu-img takes it for a VMDK, which may name any file:', () => {
  const before = [
    '',
    '# x\n',
    '#\r\n',
    ' \n',
    '   \r\n',
    '# x\n  \n#\n',
    '\n',
    '\r\n',
    '\t\n',
    'x\n',
    '# x\n x\n',
    '# x',
  ]
  test.each(before)('%j before the version', async (start) => {
    await using dir = await tempDir()
    const [path, secret] = [join(dir.path, 'image'), join(dir.path, 'secret')]
    writeFileSync(secret, 'secret'.padEnd(512))
    const versions = [
      'version=1\n',
      'version=2\r\n',
      'version=3\n',
      'version=4\n',
      'version=1',
      'version=1 \n',
      ' version=1\n',
    ]
    const formats: string[] = []
    for (const version of versions) {
      writeFileSync(path, start + version + descriptor(secret))
      formats.push(await probe(path))
    }
    const found = versions.map((version) => {
      writeFileSync(path, start + version + descriptor(secret))
      try {
        return inspectImage(path).format
      } catch {
        return 'vmdk'
      }
    })
    expect(found).toEqual(formats)
  })

  test('a comment may fill what qemu-img looks at, and no more', async () => {
    await using dir = await tempDir()
    const [path, secret] = [join(dir.path, 'image'), join(dir.path, 'secret')]
    writeFileSync(secret, 'secret'.padEnd(512))
    const write = (comment: number) =>
      writeFileSync(path, `${'#'.padEnd(comment)}\nversion=1\n${descriptor(secret)}`)
    write(501)
    expect(await probe(path)).toBe('vmdk')
    expect(refusalOf(path).message).toContain('Rule W2')
    write(502)
    expect(await probe(path)).toBe('raw')
    expect(inspectImage(path).format).toBe('raw')
  })
})

describe('what qemu-img takes for neither qcow2 nor raw is refused:', () => {
  const cloop = '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n'
  test.each([
    [
      'cloop',
      'W2',
      fileOf([
        [0, cloop],
        [128, '\0\0\u0002\0\0\0\0\0'],
        [136, '\0\0\0\0\0\0\0\u0088'],
      ]),
    ],
    [
      'bochs',
      'W2',
      fileOf([
        [0, 'Bochs Virtual HD Image'],
        [32, 'Redolog'],
        [48, 'Growing'],
        [64, 0x20000],
        [68, 512],
        [72, 1],
        [76, 1],
        [80, 4096],
        [88, 4096],
      ]),
    ],
  ])('%s (%s)', async (format, rule, bytes) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, bytes)
    expect(await probe(path)).toBe(format)
    expect(refusalOf(path).message).toContain(`Rule ${rule}`)
  })

  test('qcow of version 1 (Q1-version)', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', 'qcow', path, '1M')
    expect(await probe(path)).toBe('qcow')
    expect(refusalOf(path).message).toContain('Rule Q1-version')
  })

  test('a qcow2 file that is a VDI disk too (Q13-disk)', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    const image = smallQcow2('a')
    // The snapshots' offset: that of a whole cluster, as QEMU wants it.
    image.writeUInt32BE(0x7f10dabe, 64)
    writeFileSync(path, image)
    expect(await probe(path)).toContain('Unsupported VDI image')
    expect(refusalOf(path).message).toContain('it is a VirtualBox disk (vdi) too. Rule Q13-disk')
  })

  test('a DMG disk, which qemu-img knows by its name only (W2)', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, fileOf([[4096 - 512, 'koly']]))
    expect(await probe(path)).toBe('raw')
    expect(refusalOf(path).message).toContain('Rule W2')
  })
})

describe('a qcow2 image is let in at every station of a life with qemu-img:', () => {
  const clusters = ['512', '4k', '64k', '2M'].map((each) => `cluster_size=${each}`)
  const grid = [
    ...clusters,
    ...clusters.map((each) => `compat=0.10,${each}`),
    ...['1', '64'].map((each) => `refcount_bits=${each}`),
    ...['16k', '2M'].map((each) => `extended_l2=on,cluster_size=${each}`),
    'preallocation=metadata',
    'compression_type=zstd',
  ]
  test.each(grid)('%s', async (options) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    const sizes: number[] = []
    const look = () => sizes.push(inspectImage(path, { declaredFormat: 'qcow2' }).virtualSizeBytes)
    await qemuImg('create', '-f', 'qcow2', '-o', options, path, '8M')
    look()
    await qemuIo(path, 'write -P 1 0 1M', 'write -z 2M 1M')
    look()
    await qemuImg('resize', '-f', 'qcow2', path, '64M')
    look()
    await qemuImg('resize', '-f', 'qcow2', '--shrink', path, '4M')
    look()
    expect(sizes).toEqual([2 ** 23, 2 ** 23, 2 ** 26, 2 ** 22])
  })

  test.each(clusters)('with a deleted snapshot: %s', async (options) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', 'qcow2', '-o', options, path, '8M')
    await qemuImg('snapshot', '-c', 'a', path)
    await qemuIo(path, 'write -P 1 0 1M')
    expect(refusalOf(path).message).toContain('Rule Q8')
    await qemuImg('snapshot', '-d', 'a', path)
    expect(inspectImage(path).format).toBe('qcow2')
  })

  test.each(clusters)('with bitmaps: %s', async (options) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', 'qcow2', '-o', options, path, '8M')
    for (const name of ['a', 'b'.repeat(1023)]) await qemuImg('bitmap', '--add', '-f', 'qcow2', path, name)
    await qemuIo(path, 'write -P 1 0 1M')
    expect(inspectImage(path).format).toBe('qcow2')
    for (const name of ['a', 'b'.repeat(1023)]) await qemuImg('bitmap', '--remove', '-f', 'qcow2', path, name)
    expect(inspectImage(path).format).toBe('qcow2')
  })
})
