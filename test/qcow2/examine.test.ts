import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { both, field, hostileBytes, u32, u64 } from '../../fixtures/images/hostile-qcow2.js'
import { examineImage } from '../../src/qcow2/examine.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

describe('examineImage() says of a qcow2 image', () => {
  test('what qemu-img says: version, sizes, features, bitmaps', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    const options = 'cluster_size=16k,extended_l2=on,refcount_bits=1,compression_type=zstd,lazy_refcounts=on'
    await qemuImg('create', '-f', 'qcow2', '-o', options, path, '1G')
    await qemuImg('bitmap', '--add', '-f', 'qcow2', path, 'changes')
    expect(examineImage(path)).toMatchObject({
      format: 'qcow2',
      virtualSizeBytes: 2 ** 30,
      fileSizeBytes: readFileSync(path).length,
      partitionTable: undefined,
      breaches: [],
      warnings: [],
      qcow2: {
        version: 3,
        clusterBytes: 16_384,
        refcountBits: 1,
        compression: 'zstd',
        encryption: 'none',
        features: ['compression type', 'extended L2 entries', 'lazy refcounts', 'bitmaps'],
        snapshotCount: 0,
        snapshots: [],
        bitmapCount: 1,
        backingFile: undefined,
        dataFile: undefined,
      },
    })
  })

  test('its snapshots with their names, whatever is in them', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', 'qcow2', path, '1M')
    const names = ['first', 'a "b" ünï', 'x'.repeat(200)]
    for (const name of names) await qemuImg('snapshot', '-c', name, path)
    const { qcow2, breaches } = examineImage(path)
    expect(qcow2?.snapshots.map(({ id, name }) => [id, name])).toEqual(
      names.map((name, index) => [String(index + 1), name]),
    )
    const now = Date.now() / 1000
    for (const { takenAtSeconds, vmStateBytes } of qcow2?.snapshots ?? []) {
      expect(takenAtSeconds).toBeGreaterThan(now - 600)
      expect(takenAtSeconds).toBeLessThan(now + 600)
      expect(vmStateBytes).toBe(0)
    }
    expect(breaches.map(({ rule }) => rule.id)).toEqual(['Q8'])
  })

  test('what files it names, without opening them', async () => {
    await using dir = await tempDir()
    const [overlay, outside] = [join(dir.path, 'overlay'), join(dir.path, 'outside')]
    await qemuImg('create', '-u', '-f', 'qcow2', '-b', '/no/such:file', '-F', 'raw', overlay, '1M')
    await qemuImg('create', '-f', 'qcow2', '-o', `data_file=${join(dir.path, 'data')}`, outside, '1M')
    expect(examineImage(overlay).qcow2).toMatchObject({ backingFile: '/no/such:file', backingFormat: 'raw' })
    expect(examineImage(outside).qcow2?.dataFile).toBe(join(dir.path, 'data'))
    expect(examineImage(outside).breaches.map(({ rule }) => rule.id)).toEqual([
      'Q9-data-file',
      'Q12-data-file',
    ])
  })

  test('that it is dirty, when its writer was killed', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-f', 'qcow2', '-o', 'lazy_refcounts=on', path, '1M')
    await qemuIo(path, 'write 0 64k', 'abort').catch(() => undefined)
    expect(examineImage(path).qcow2?.features).toEqual(['dirty', 'lazy refcounts'])
    expect(examineImage(path).breaches.map(({ rule }) => rule.id)).toEqual(['Q9-dirty'])
  })

  test('every rule that it breaks, not only the first', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    const patch = both(
      u32(field.backingNameBytes, 4),
      u32(field.encryption, 1),
      u64(field.incompatible, 0b100_0111n),
      u64(field.autoclear, 2n),
    )
    writeFileSync(path, hostileBytes({ patch }))
    expect(examineImage(path).breaches.map(({ rule }) => rule.id)).toEqual(
      'Q2 Q5 Q9-dirty Q9-corrupt Q9-data-file Q9-unknown Q10'.split(' '),
    )
  })
})

test('examineImage() says of a raw disk which partition table it has', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  writeFileSync(path, bootCounterDisk())
  expect(examineImage(path)).toMatchObject({ format: 'raw', partitionTable: 'mbr', breaches: [] })
})

test('examineImage() names a CD, which cannot be a base', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  const cd = Buffer.alloc(65_536)
  cd.write('CD001', 0x8001)
  writeFileSync(path, cd)
  const { format, breaches, virtualSizeBytes } = examineImage(path)
  expect({ format, virtualSizeBytes }).toEqual({ format: 'iso', virtualSizeBytes: undefined })
  expect(breaches[0]).toMatchObject({ rule: { id: 'W2' }, cure: expect.stringContaining('-cdrom') })
})

describe('examineImage() reads no more than 2 MiB', () => {
  test.each([
    ['a disk', () => Buffer.alloc(512, 1)],
    [
      'a qcow2 file with the largest header, tables and snapshots',
      () =>
        hostileBytes({
          patch: both(
            u32(field.clusterBits, 21),
            u64(field.virtualSize, 2n ** 63n),
            u32(field.l1Entries, 4_194_304),
            u64(field.l1Offset, 2 ** 26),
            u64(field.refcountTableOffset, 2 ** 21),
            u32(field.refcountTableClusters, 4),
            u32(field.snapshotCount, 65_536),
            u64(field.snapshotsOffset, 2 ** 24),
          ),
        }),
    ],
  ])('of %s of 1 TiB', async (_, makeBytes) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, makeBytes())
    truncateSync(path, 2 ** 40)
    examineImage(path)
    const before = bytesRead()
    const own = bytesRead() - before
    const start = bytesRead()
    examineImage(path)
    expect(bytesRead() - start - own).toBeLessThanOrEqual(2 ** 21)
  })
})

/** What this process has read, by its own account (proc(5), rchar). */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}
