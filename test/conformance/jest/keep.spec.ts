/** Tests whose disks are kept, and tests whose disks are not. The runner looks at what is kept, and at the reports. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { openDisks } from './disks.js'

test('passes', async () => {
  await openDisks()
})

test('fails', async () => {
  await openDisks()
  expect(1).toBe(2)
})

test('throws a text', async () => {
  await openDisks()
  // oxlint-disable-next-line no-throw-literal -- as some do
  throw 'a text on purpose'
})

test('throws an error without a message', async () => {
  await openDisks()
  throw new Error('')
})

test('throws a DOMException', async () => {
  await openDisks()
  throw new DOMException('on purpose', 'AbortError')
})

test.failing('fails as it should', async () => {
  await openDisks()
  expect(1).toBe(2)
})

test.failing('passes though it should fail', async () => {
  await openDisks()
})

test('times out', async () => {
  await openDisks()
  await new Promise(() => {})
}, 200)

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

describe('concurrent', () => {
  test.concurrent.each([1, 2, 3])('number %i', async (number) => {
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
