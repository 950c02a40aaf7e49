import { EventEmitter, once } from 'node:events'
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

test('a retried test gets a fresh disk each time', { retry: 1 }, async ({ task }) => {
  paths.push((await useVmImage(image)).path)
  expect(task.result?.retryCount).toBe(1)
})

test('a repeated test gets a fresh disk each time', { repeats: 1 }, async () => {
  expect(paths.filter((path) => existsSync(path))).toEqual([])
  paths.push((await useVmImage(image)).path)
})

describe('a call with the context', () => {
  const events = new EventEmitter()
  const late = once(events, 'late')

  test('comes after the timeout of its test', { timeout: 50 }, async (context) => {
    await useVmImage(image, { context })
    await once(events, 'go on')
    events.emit('late', await useVmImage(image, { context }).catch((error: unknown) => error))
  })

  test('and is refused', async () => {
    events.emit('go on')
    expect(await late).toMatchObject([{ code: 'TEST_FINISHED' }])
  })
})

test('none is left', () => {
  expect(paths.filter((path) => existsSync(path))).toEqual([])
  expect(new Set(paths).size).toBe(1 + 3 + 2 + 2)
})
