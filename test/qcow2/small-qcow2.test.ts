import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { qcow2Of, smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

test.each([
  {},
  { version: 2 },
  { virtualSizeBytes: 1_048_576, dataClusters: 1 },
  { virtualSizeBytes: 65_536, dataClusters: 1 },
  { virtualSizeBytes: 67_108_864, dataClusters: 4 },
] as const)('qemu-img and the gate find nothing wrong with a small image %j', async (options) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'image')
  writeFileSync(path, smallQcow2('seed', options))
  expect(await qemuImg('check', '-f', 'qcow2', path)).toContain('No errors were found')
  expect(inspectImage(path)).toMatchObject({
    format: 'qcow2',
    virtualSizeBytes: 4_194_304,
    ...('virtualSizeBytes' in options && { virtualSizeBytes: options.virtualSizeBytes }),
  })
})

test('the same seed makes the same bytes, another seed others', () => {
  expect(smallQcow2('a').equals(smallQcow2('a'))).toBe(true)
  expect(smallQcow2('a').equals(smallQcow2('b'))).toBe(false)
})

test('the disk in an image is the one that it was made of', async () => {
  await using dir = await tempDir()
  const [image, raw] = [join(dir.path, 'image'), join(dir.path, 'raw')]
  const disk = Buffer.alloc(1_048_576)
  disk.write('first', 0)
  disk.write('last', disk.length - 4)
  writeFileSync(image, qcow2Of(disk))
  await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', image, raw)
  expect((await readFile(raw)).equals(disk)).toBe(true)
})
