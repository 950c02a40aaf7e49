/** Tests whose disks are kept, and tests whose disks are not. The runner looks at what is kept, and at the reports. */
import { expect } from '@playwright/test'
import { test } from 'vmimage/playwright'
import { openDisks } from './disks.js'

test('passes', async ({ vmImage }) => {
  await openDisks(vmImage)
})

test('fails', async ({ vmImage }) => {
  await openDisks(vmImage)
  expect(1).toBe(2)
})

test('fails softly', async ({ vmImage }) => {
  await openDisks(vmImage)
  expect.soft(1).toBe(2)
})

test('fails as it should', async ({ vmImage }) => {
  test.fail()
  await openDisks(vmImage)
  expect(1).toBe(2)
})

test('times out', async ({ vmImage }) => {
  test.setTimeout(2000)
  await openDisks(vmImage)
  await new Promise(() => {})
})

test('is skipped', async ({ vmImage }) => {
  await openDisks(vmImage)
  test.skip()
})

test('threw its disk away', async ({ vmImage }) => {
  await (await openDisks(vmImage)).dispose()
  expect(1).toBe(2)
})

test.describe('with a failing afterEach', () => {
  test.afterEach(() => {
    throw new Error('fails on purpose')
  })
  test('fails at the end', async ({ vmImage }) => {
    await openDisks(vmImage)
  })
})

test.describe('with another try', () => {
  test.describe.configure({ retries: 1 })
  // The try is known by its number: each has a process of its own.
  test('fails once', async ({ vmImage }, { retry }) => {
    await openDisks(vmImage)
    expect(retry).toBe(1)
  })
})
