/** Tests whose disks are kept, and tests whose disks are not. The runner looks at what is kept, and at the reports. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openDisks } from './disks.js'

test('passes', async () => {
  await openDisks()
})

test('fails', async () => {
  await openDisks()
  expect(1).toBe(2)
})

test('fails once', { retry: 1 }, async ({ task }) => {
  await openDisks()
  expect(task.result?.retryCount).toBe(1)
})

test('fails softly', async () => {
  await openDisks()
  expect.soft(1).toBe(2)
})

test('fails as it should', { fails: true }, async () => {
  await openDisks()
  expect(1).toBe(2)
})

test('times out', { timeout: 50 }, async () => {
  await openDisks()
  await new Promise(() => {})
})

test('is skipped', async ({ skip }) => {
  await openDisks()
  skip()
})

test('threw its disk away', async () => {
  await (await openDisks()).dispose()
  expect(1).toBe(2)
})

describe('with a failing afterEach', () => {
  afterEach(() => {
    throw new Error('fails on purpose')
  })
  test('fails at the end', async () => {
    await openDisks()
  })
})

describe.concurrent('concurrent', () => {
  test.for([1, 2, 3])('number %i', async (number) => {
    await openDisks()
    expect(number).not.toBe(2)
  })
})

describe('with a failing beforeAll', () => {
  beforeAll(async () => {
    await openDisks()
    throw new Error('fails on purpose')
  })
  test('is not run', () => {})
})
