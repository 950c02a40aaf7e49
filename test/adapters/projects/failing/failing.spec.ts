import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

const image = process.env['IMAGE'] ?? ''

test('passes', async () => {
  await useVmImage(image)
})

test('fails', async () => {
  const disk = await useVmImage(image)
  writeFileSync(disk.path, 'what the test wrote', { flag: 'a' })
  expect(1).toBe(2)
})

test('fails once', { retry: 1 }, async ({ task }) => {
  await useVmImage(image)
  expect(task.result?.retryCount).toBe(1)
})

test('fails as it should', { fails: true }, async () => {
  await useVmImage(image)
  expect(1).toBe(2)
})

test('fails but needs nothing kept', async () => {
  await useVmImage(image, { keep: 'never' })
  expect(1).toBe(2)
})

test('fails with its disk thrown away', async () => {
  const disk = await useVmImage(image)
  await disk.dispose()
  expect(1).toBe(2)
})

test('is skipped', async ({ skip }) => {
  await useVmImage(image)
  skip()
})

describe('with a failing afterEach', () => {
  afterEach(() => {
    throw new Error('too late')
  })
  test('fails at the end', async () => {
    await useVmImage(image)
  })
})
