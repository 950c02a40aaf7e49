/** Disks that the tests of a file share. What is left of them after the file, global-teardown.ts looks at. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Disks, openDisks } from './disks.js'
import { afterTheFile } from './global-teardown.js'
import { observe } from './observe.js'

let disks: Disks | undefined
beforeAll(async () => {
  disks = await openDisks()
  afterTheFile('beforeAll: its disk is gone after the file', disks.paths)
})
afterAll(() => observe('beforeAll: its disk is there in afterAll', disks?.look() ?? 'never opened'))

test('the first test', () => observe('beforeAll: its disk is there in the first test', disks?.look() ?? ''))
test('the second test', () => observe('beforeAll: its disk is there in the second test', disks?.look() ?? ''))
test.concurrent('a concurrent test', async () => {
  const own = await openDisks()
  observe('beforeAll: its disk and one of its own are there in a concurrent test', [
    disks?.look() ?? '',
    own.look(),
  ])
})

describe('a suite', () => {
  let inner: Disks | undefined
  beforeAll(async () => {
    inner = await openDisks()
  })

  test('has disks of its own', () => {
    observe('beforeAll of a suite: its disk is there in the test', inner?.look() ?? 'never opened')
  })
  afterAll(() => observe('beforeAll of a suite: its disk is there in afterAll', inner?.look() ?? ''))
})

describe('a suite whose beforeAll fails', () => {
  beforeAll(async () => {
    afterTheFile(
      'beforeAll of a suite that fails: its disk is gone after the file',
      (await openDisks()).paths,
    )
    throw new Error('fails on purpose')
  })
  test('is not run', () => {})
})
