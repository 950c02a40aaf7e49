import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { field, hostileBytes, hostileQcow2, u64 } from '../../fixtures/images/hostile-qcow2.js'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { repairCopy } from '../../src/qcow2/repair.js'
import { errorOf } from '../support/error-of.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

const { signal } = new AbortController()

/** An image whose writer was killed while its refcounts were behind. */
async function writeDirty(path: string): Promise<void> {
  await qemuImg('create', '-f', 'qcow2', '-o', 'lazy_refcounts=on', path, '8M')
  await qemuIo(path, 'write -P 7 0 1M', 'abort').catch(() => undefined)
}

test('a dirty image is repaired into a copy with the same data, and stays as it is itself', async () => {
  await using dir = await tempDir()
  const [path, copy] = [join(dir.path, 'image'), join(dir.path, 'copy')]
  await writeDirty(path)
  const before = readFileSync(path)
  const report = await repairCopy(path, copy, signal)
  expect(report).toMatchObject({ path: copy, breaches: [], qcow2: { features: ['lazy refcounts'] } })
  expect(readFileSync(path).equals(before)).toBe(true)
  expect(statSync(copy).mode & 0o777).toBe(0o600)
  expect(await qemuImg('check', '-f', 'qcow2', copy)).toContain('No errors were found')
  await qemuIo(copy, 'read -P 7 0 1M', 'read -P 0 1M 7M')
})

test('a file that is there is never overwritten', async () => {
  await using dir = await tempDir()
  const [path, copy] = [join(dir.path, 'image'), join(dir.path, 'copy')]
  await writeDirty(path)
  writeFileSync(copy, 'precious')
  expect(await errorOf(repairCopy(path, copy, signal))).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('\nName a new file.'),
  })
  expect(readFileSync(copy, 'utf8')).toBe('precious')
})

test('an image that keeps every rule is not repaired', async () => {
  await using dir = await tempDir()
  const [path, copy] = [join(dir.path, 'image'), join(dir.path, 'copy')]
  writeFileSync(path, smallQcow2('a'))
  expect(await errorOf(repairCopy(path, copy, signal))).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('nothing to repair'),
  })
  expect(existsSync(copy)).toBe(false)
})

test('nothing but the dirty mark is repaired', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  for (const hostile of hostileQcow2.filter(({ breaks }) => breaks !== 'Q9-dirty')) {
    writeFileSync(path, hostileBytes(hostile))
    expect(await errorOf(repairCopy(path, join(dir.path, 'copy'), signal))).toMatchObject({
      code: 'UNSAFE_IMAGE',
      message: expect.stringMatching(/\(rule Q[\w-]+\)/),
    })
  }
  writeFileSync(path, hostileBytes({ patch: u64(field.incompatible, 3n) }))
  expect(await errorOf(repairCopy(path, join(dir.path, 'copy'), signal))).toMatchObject({
    message: expect.stringContaining('(rule Q9-corrupt)'),
  })
  expect(readdirSync(dir.path)).toEqual(['image'])
})

test('what keeps the copy from being written is said, and not with a stack', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  await writeDirty(path)
  for (const copy of [join(dir.path, 'none/copy'), join(path, 'copy')]) {
    expect(await errorOf(repairCopy(path, copy, signal))).toMatchObject({ code: 'FILE_UNWRITABLE' })
  }
})

test('a dirty image that qemu-img cannot repair leaves no copy', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  const image = hostileBytes({ patch: u64(field.incompatible, 1n) })
  // An L2 table whose first entry names a cluster far outside the file and at no cluster.
  image.writeBigUInt64BE(0x8000_7fff_ffff_fe00n, 4 * 65_536)
  writeFileSync(path, image)
  const error = await errorOf(repairCopy(path, join(dir.path, 'copy'), signal))
  expect(error).toMatchObject({ code: 'TOOL_FAILED' })
  expect(readdirSync(dir.path)).toEqual(['image'])
})
