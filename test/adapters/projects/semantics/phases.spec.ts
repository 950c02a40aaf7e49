import { copyFileSync, existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { diskAt, openVmImage } from 'vmimage'
import { test as testWithFixture, useVmImage } from 'vmimage/vitest'
import { image } from './image.js'

describe('in a test', () => {
  let path = ''

  test('there is a disk', async () => {
    path = (await useVmImage(image)).path
    expect(existsSync(path)).toBe(true)
  })

  test('it is gone after the test', () => {
    expect(path).toMatch(/\.qcow2$/)
    expect(existsSync(path)).toBe(false)
  })

  test('two calls give two disks', async () => {
    const [one, two] = await Promise.all([useVmImage(image), useVmImage(image)])
    expect(one.path).not.toBe(two.path)
    expect(one.baseImage).toBe(two.baseImage)
  })

  test('a size can be asked for', async () => {
    const disk = await useVmImage(image, { size: '2G' })
    expect(disk.virtualSizeBytes).toBe(2 * 1024 ** 3)
  })

  test('a file of your own needs not be listed', async () => {
    copyFileSync(image, 'unlisted.qcow2')
    const disk = await useVmImage('./unlisted.qcow2')
    expect(disk.baseImage).toMatch(/unlisted\.qcow2$/)
    expect(existsSync(disk.path)).toBe(true)
  })

  test('a disk can do all that it can elsewhere', async () => {
    const disk = await useVmImage(image)
    expect(await disk.changes()).toMatchObject({ bytes: 0 })
    expect(await disk.info()).toMatchObject({ path: disk.path, isFrozen: false })
    const fork = await disk.fork()
    expect(fork.launch.args).toHaveLength(2)
    await fork.reset()
    expect(diskAt(fork.path).baseImage).toBe(disk.baseImage)
  })

  test('a disk of openVmImage() can be held with "await using"', async () => {
    const disk = await openVmImage({ path: image })
    expect(existsSync(disk.path)).toBe(true)
    expect(typeof Symbol.asyncDispose).toBe('symbol')
    await disk[Symbol.asyncDispose]()
    expect(existsSync(disk.path)).toBe(false)
  })

  test('disposing early is fine', async () => {
    const disk = await useVmImage(image)
    await disk.dispose()
    expect(existsSync(disk.path)).toBe(false)
  })
})

describe('the disk is there for', () => {
  let path = ''
  const seen: string[] = []
  const see = (where: string) => void seen.push(`${where} ${existsSync(path) ? 'has it' : 'has it not'}`)

  beforeEach(async () => {
    path = (await useVmImage(image)).path
    return () => see('the cleanup of beforeEach')
  })
  afterEach(() => see('afterEach'))

  test('the test', () => {
    onTestFinished(() => see('onTestFinished'))
    see('the test')
  })

  test('and for all the hooks, but not longer', () => {
    const places = ['the test', 'afterEach', 'the cleanup of beforeEach', 'onTestFinished']
    expect(seen).toEqual(places.map((place) => `${place} has it`))
  })
})

describe('of a fixture', () => {
  let path = ''
  const testWithDisk = test.extend<{ disk: string }>({
    // oxlint-disable-next-line no-empty-pattern -- Vitest wants a destructuring
    disk: async ({}, use) => {
      await use((await useVmImage(image)).path)
      expect(existsSync(path)).toBe(true)
    },
  })

  testWithDisk('it lives as long as the fixture', ({ disk }) => {
    path = disk
    expect(existsSync(path)).toBe(true)
  })

  test('it is gone after that', () => expect(existsSync(path)).toBe(false))

  testWithFixture('our own fixture opens disks too', async ({ vmImage }) => {
    path = (await vmImage(image)).path
    expect(existsSync(path)).toBe(true)
  })

  test('they are gone as well', () => expect(existsSync(path)).toBe(false))
})

describe('of beforeAll', () => {
  let path = ''
  beforeAll(async () => {
    path = (await useVmImage(image)).path
  })
  afterAll(() => {
    if (!existsSync(path)) throw new Error('The shared disk was deleted before afterAll.')
  })

  test('it is there for the first test', () => expect(existsSync(path)).toBe(true))
  test('it is there for the second', () => expect(existsSync(path)).toBe(true))
})

describe('a retried test', () => {
  const paths: string[] = []

  test('gets a fresh disk each time', { retry: 2 }, async () => {
    paths.push((await useVmImage(image)).path)
    expect(paths).toHaveLength(3)
  })

  test('and none is left', () => {
    expect(new Set(paths).size).toBe(3)
    expect(paths.filter((path) => existsSync(path))).toEqual([])
  })
})

describe('a repeated test', () => {
  const paths: string[] = []

  test('gets a fresh disk each time', { repeats: 2 }, async () => {
    expect(paths.filter((path) => existsSync(path))).toEqual([])
    paths.push((await useVmImage(image)).path)
  })

  test('and none is left', () => {
    expect(new Set(paths).size).toBe(3)
    expect(paths.filter((path) => existsSync(path))).toEqual([])
  })
})

describe('a skipped test', () => {
  let path = ''

  test('may have opened a disk', async ({ skip }) => {
    path = (await useVmImage(image)).path
    skip()
  })

  test('which is gone', () => {
    expect(path).not.toBe('')
    expect(existsSync(path)).toBe(false)
  })
})

test('a soft failure does not end a test', { fails: true }, async () => {
  expect.soft(1).toBe(2)
  const disk = await useVmImage(image)
  expect(existsSync(disk.path)).toBe(true)
})
