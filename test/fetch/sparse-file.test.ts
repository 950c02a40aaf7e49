import { createHash, randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSparseFile, dataRuns } from '../../src/fetch/sparse-file.js'
import { tempDir } from '../support/temp-dir.js'

const block = 65_536

/** `.` is a block of zeros, `x` one with a single other byte, at its end. */
function blocks(picture: string, more = 0): Buffer {
  const bytes = Buffer.alloc(picture.length * block + more)
  for (let index = 0; index < picture.length; index += 1) {
    if (picture[index] === 'x') bytes[(index + 1) * block - 1] = 1
  }
  return bytes
}

test.each([
  ['', []],
  ['....', []],
  ['x', [[0, 1]]],
  [
    '..xx.x',
    [
      [2, 4],
      [5, 6],
    ],
  ],
  ['xxxx', [[0, 4]]],
])('dataRuns() of %j', (picture, expected) => {
  expect(dataRuns(blocks(picture))).toEqual(expected.map((run) => run.map((index) => index * block)))
})

test('dataRuns() takes a last block that is not full', () => {
  expect(dataRuns(blocks('x.', 10))).toEqual([[0, block]])
  expect(dataRuns(Buffer.concat([blocks('x.'), Buffer.from('end')]))).toEqual([
    [0, block],
    [2 * block, 2 * block + 3],
  ])
})

test.each([1, 1000, block, 1_048_576, 3_000_000])(
  'A file written in pieces of %i bytes is what was written',
  async (pieceBytes) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'file')
    const data = Buffer.concat([
      randomBytes(pieceBytes === 1 ? 10 : 1_500_000),
      blocks('.x..'),
      randomBytes(7),
    ])
    const some = pieceBytes === 1 ? data.subarray(0, 2000) : data
    await using file = await createSparseFile(path)
    for (let at = 0; at < some.length; at += pieceBytes) await file.append(some.subarray(at, at + pieceBytes))
    expect(file.sizeBytes).toBe(some.length)
    expect(await file.finish()).toBe(createHash('sha256').update(some).digest('hex'))
    expect((await readFile(path)).equals(some)).toBe(true)
  },
)

test('Zeros take no room, at the end neither', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await using file = await createSparseFile(path)
  await file.append(blocks('x...............................'))
  await file.finish()
  const { size, blocks: used } = await stat(path)
  expect([size, used * 512]).toEqual([32 * block, block])
})

test('A file that exists is not overwritten', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await writeFile(path, 'precious')
  await expect(createSparseFile(path)).rejects.toMatchObject({ code: 'EEXIST' })
})
