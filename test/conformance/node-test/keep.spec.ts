/** Tests whose disks are kept, and tests whose disks are not. The runner looks at what is kept, and at the reports. */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { openDisks } from './disks.js'

test('passes', async (t) => {
  await openDisks(t)
})

test('fails', async (t) => {
  await openDisks(t)
  assert.equal(1, 2)
})

test('fails without its context', async () => {
  await openDisks()
  assert.equal(1, 2)
})

test('throws a text', async (t) => {
  await openDisks(t)
  // oxlint-disable-next-line no-throw-literal -- as some do
  throw 'a text on purpose'
})

test('times out', { timeout: 1000 }, async (t) => {
  await openDisks(t)
  await new Promise((resolve) => setTimeout(resolve, 3000))
})

test('is skipped', async (t) => {
  await openDisks(t)
  t.skip()
})

test('threw its disk away', async (t) => {
  await (await openDisks(t)).dispose()
  assert.equal(1, 2)
})

// Node tells of its failure after the hooks of this test, whose disk is gone by then.
test('is above a test that fails', async (t) => {
  await openDisks(t)
  await t.test('fails below', async (below) => {
    await openDisks(below)
    assert.equal(1, 2)
  })
})

describe('with a failing afterEach', () => {
  afterEach(() => {
    throw new Error('fails on purpose')
  })
  test('fails at the end', async (t) => {
    await openDisks(t)
  })
})

describe('concurrent', { concurrency: true }, () => {
  for (const number of [1, 2, 3]) {
    test(`number ${number}`, async (t) => {
      await openDisks(t)
      assert.notEqual(number, 2)
    })
  }
})
