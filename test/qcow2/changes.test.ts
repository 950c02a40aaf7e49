/** What was written to an overlay, as its tables say it, against `qemu-img map` of the same file. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Changes, readChanges } from '../../src/qcow2/changes.js'
import { createOverlay, type OverlayOptions } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir, type TempDir } from '../support/temp-dir.js'
import { randomScript } from './conformance-script.js'

const cluster = 65_536
/** It ends inside a cluster. */
const diskBytes = 64 * cluster + 512

/** An overlay on a base without zeros: what QEMU copies from it is then never taken for a hole. */
async function makeOverlay(options: OverlayOptions = {}) {
  const dir: TempDir = await tempDir()
  const base = join(dir.path, 'base')
  writeFileSync(base, Buffer.alloc(diskBytes, 0xab))
  const path = join(dir.path, 'overlay')
  createOverlay(path, inspectImage(base), options)
  return { dir, base, path }
}

interface Mapped {
  readonly start: number
  readonly length: number
  readonly depth: number
  readonly zero: boolean
}

/**
 * Ranges of the overlay itself, by QEMU; neighbours of one kind joined. Of a copy without holes: of a file with many
 * QEMU asks the file system too, and takes data in a hole for zeros.
 */
async function mapOf(path: string) {
  const dense = `${path}.dense`
  writeFileSync(dense, readFileSync(path))
  const all = JSON.parse(await qemuImg('map', '-f', 'qcow2', '--output=json', dense)) as readonly Mapped[] // qemu-img's format
  const joined: { offset: number; length: number; isZero: boolean }[] = []
  for (const { start, length, zero } of all.filter(({ depth }) => depth === 0)) {
    const last = joined.at(-1)
    if (last?.isZero === zero && last.offset + last.length === start) last.length += length
    else joined.push({ offset: start, length, isZero: zero })
  }
  return joined
}

function rangesOf({ ranges }: Changes) {
  return [...ranges].map(({ offset, length, kind }) => ({ offset, length, isZero: kind === 'zero' }))
}

const seeds = Array.from({ length: 8 }, (_, index) => `changes ${index}`)
const grid = seeds.flatMap((seed) => [true, false].map((extendedL2) => ({ seed, extendedL2 })))

describe('readChanges()', () => {
  test.each(grid)(
    'agrees with qemu-img map: $seed, extended L2 $extendedL2',
    async ({ seed, extendedL2 }) => {
      const { dir, path } = await makeOverlay({ extendedL2 })
      await using _ = dir
      await qemuIo(path, ...randomScript(seed, { diskBytes, baseBytes: diskBytes }, 25))
      const mapped = await mapOf(path)
      const changes = readChanges(path)
      expect(mapped.length).toBeGreaterThan(2)
      expect(rangesOf(changes)).toEqual(mapped)
      const sum = (isZero: boolean) =>
        mapped.filter((each) => each.isZero === isZero).reduce((bytes, { length }) => bytes + length, 0)
      expect(changes).toMatchObject({ bytes: sum(false), zeroedBytes: sum(true) })
    },
  )

  test('finds nothing in a fresh overlay but the room for its tables', async () => {
    const { dir, path } = await makeOverlay()
    await using _ = dir
    const changes = readChanges(path)
    expect(changes).toMatchObject({ clusters: 0, bytes: 0, zeroedBytes: 0, clusterBytes: cluster })
    expect([...changes.ranges]).toEqual([])
    expect(changes.allocatedBytes).toBeGreaterThan(0)
  })

  test.each([
    { extendedL2: true, bytes: 4096 },
    { extendedL2: false, bytes: 2 * cluster },
  ])('counts a write of 4 KiB over the edge of a cluster: extended L2 $extendedL2', async (each) => {
    const { dir, path } = await makeOverlay({ extendedL2: each.extendedL2 })
    await using _ = dir
    await qemuIo(path, `write -P 1 ${cluster - 2048} 4096`)
    expect(readChanges(path)).toMatchObject({ clusters: 2, bytes: each.bytes, zeroedBytes: 0 })
  })

  test.each([true, false])('counts compressed clusters whole: extended L2 %s', async (extendedL2) => {
    const { dir, path } = await makeOverlay({ extendedL2 })
    await using _ = dir
    await qemuIo(path, `write -c -P 5 ${cluster} ${cluster}`)
    const changes = readChanges(path)
    expect(changes).toMatchObject({ clusters: 1, bytes: cluster })
    expect([...changes.ranges]).toEqual([{ offset: cluster, length: cluster, kind: 'compressed' }])
  })

  test('refuses a file that was cut in its tables', async () => {
    const { dir, path } = await makeOverlay()
    await using _ = dir
    await qemuIo(path, 'write -P 1 0 64k')
    truncateSync(path, 4 * cluster)
    expect(() => readChanges(path)).toThrow(expect.objectContaining({ code: 'UNSAFE_IMAGE' }))
  })

  test('refuses what is no overlay', async () => {
    const { dir, path } = await makeOverlay()
    await using _ = dir
    writeFileSync(path, Buffer.alloc(4096, 1))
    expect(() => readChanges(path)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_IMAGE' }))
    expect(() => readChanges(join(dir.path, 'gone'))).toThrow(
      expect.objectContaining({ code: 'FILE_NOT_FOUND' }),
    )
  })
})

test('An overlay whose L1 table names one L2 table many times is refused, and takes no time', async () => {
  const { dir, path } = await makeOverlay({ sizeBytes: 2 ** 40, extendedL2: false })
  await using _ = dir
  await qemuIo(path, 'write 0 64k')
  const bytes = readFileSync(path)
  const l1 = Number(bytes.readBigUInt64BE(40))
  const entry = bytes.readBigUInt64BE(l1)
  for (let index = 1; index < 2000; index += 1) bytes.writeBigUInt64BE(entry, l1 + 8 * index)
  writeFileSync(path, bytes)
  expect(() => [...readChanges(path).ranges]).toThrow(/two places of its L1 table name the L2 table/)
})

test('An L2 table that begins in the middle of a cluster is refused', async () => {
  const { dir, path } = await makeOverlay({ sizeBytes: 2 ** 46, extendedL2: false })
  await using _ = dir
  // Behind what the rules for images look at.
  const index = 130_000
  await qemuIo(path, `write ${index * 2 ** 29} 64k`)
  const bytes = readFileSync(path)
  const entry = Number(bytes.readBigUInt64BE(40)) + 8 * index
  bytes.writeBigUInt64BE(bytes.readBigUInt64BE(entry) + 512n, entry)
  writeFileSync(path, bytes)
  expect(() => readChanges(path)).toThrow(/an L2 table is said to begin at byte/)
})

test('Tables in holes are passed over, and written ones behind them found', async () => {
  const { dir, path } = await makeOverlay({ sizeBytes: 2 ** 43, extendedL2: false })
  await using _ = dir
  const far = 10_000 * 2 ** 29
  await qemuIo(path, `write ${far} 64k`)
  const bytes = readFileSync(path)
  const l1 = Number(bytes.readBigUInt64BE(40))
  const end = Math.ceil(bytes.length / cluster) * cluster
  for (let index = 0; index < 10_000; index += 1) {
    bytes.writeBigUInt64BE(2n ** 63n + BigInt(end + index * cluster), l1 + 8 * index)
  }
  writeFileSync(path, bytes)
  truncateSync(path, end + 10_000 * cluster)
  expect([...readChanges(path).ranges]).toEqual([{ offset: far, length: cluster, kind: 'data' }])
})

test('What a guest wrote into the last bytes of the file makes its overlay no disk of another program', async () => {
  const { dir, path } = await makeOverlay()
  await using _ = dir
  await qemuIo(path, 'write 0 64k')
  const bytes = readFileSync(path)
  // The mark of a VHD file, where that has it.
  bytes.write('conectix', bytes.length - 512, 'latin1')
  writeFileSync(path, bytes)
  expect(readChanges(path)).toMatchObject({ clusters: 1 })
})
