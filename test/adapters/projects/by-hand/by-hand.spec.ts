import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

const image = process.env['IMAGE'] ?? ''
const paths: string[] = []

let inBeforeAll: unknown
beforeAll(async () => {
  inBeforeAll = await useVmImage(image).catch((error: unknown) => error)
})

test('a test gets its disk', async () => {
  paths.push((await useVmImage(image)).path)
  expect(existsSync(paths[0] ?? '')).toBe(true)
})

test('which is gone afterwards', () => expect(existsSync(paths[0] ?? '')).toBe(false))

test('beforeAll needs the setup file', () => expect(inBeforeAll).toMatchObject({ code: 'OUTSIDE_TEST' }))

describe.concurrent('concurrent tests', () => {
  test.each([1, 2, 3])('are refused without the context (%i)', async () => {
    await expect(useVmImage(image)).rejects.toMatchObject({
      code: 'AMBIGUOUS_TEST',
      message: expect.stringContaining('vmimage/vitest/setup'),
    })
  })

  test.for([1, 2, 3])('are served with it (%i)', async (_, context) => {
    const disk = await useVmImage(image, { context })
    paths.push(disk.path)
    expect(existsSync(disk.path)).toBe(true)
  })
})

test('none is left', () => expect(paths.filter((path) => existsSync(path))).toEqual([]))
