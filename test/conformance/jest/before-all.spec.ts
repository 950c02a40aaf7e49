/** Disks that the tests of a file or of a suite share. What is left of them after the file, global-teardown.ts looks at. */
import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { afterTheFile } from './after-the-file.js'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

let disks: Disks | undefined
beforeAll(async () => {
  disks = await openDisks()
  afterTheFile('beforeAll: its disk is gone after the file', disks.paths)
})
afterAll(() => observe('beforeAll: its disk is there in afterAll', disks?.look() ?? 'never opened'))

test('the first test', () => observe('beforeAll: its disk is there in the first test', disks?.look() ?? ''))
test('the second test', () => observe('beforeAll: its disk is there in the second test', disks?.look() ?? ''))

let inner: Disks | undefined
describe('a suite', () => {
  beforeAll(async () => {
    inner = await openDisks()
  })

  test('has disks of its own', () => {
    observe('beforeAll of a suite: its disk is there in the test', inner?.look() ?? 'never opened')
  })
  describe('in a suite', () => {
    test('has them too', () => {
      observe('beforeAll of a suite: its disk is there in a nested suite', inner?.look() ?? 'never opened')
    })
  })
  afterAll(() => observe('beforeAll of a suite: its disk is there in afterAll', inner?.look() ?? ''))
})

describe('the next suite', () => {
  test('comes after it', () => {
    observe('beforeAll of a suite: its disk is gone before the next suite', inner?.look() ?? 'never opened')
  })
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
