/** Disks that the tests of a file or of a suite share: they are there to its end, and go with its process. */
import { after, before, describe, test } from 'node:test'
import type { NodeTestContext } from 'vmimage/node-test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

let disks: Disks | undefined
before(async () => {
  disks = await openDisks()
})
// Of the file itself there is a context as well, and no test.
let given: Disks | undefined
before(async (t: unknown) => {
  given = await openDisks(t as NodeTestContext) // the file's
})
after(() => {
  observe('beforeAll: its disk is there in afterAll', disks?.look() ?? 'never opened')
  observe('beforeAll with the context of the file: its disk is there in afterAll', given?.look() ?? '')
})

test('the first test', () => observe('beforeAll: its disk is there in the first test', disks?.look() ?? ''))
test('the second test', () => observe('beforeAll: its disk is there in the second test', disks?.look() ?? ''))
test('a concurrent test', { concurrency: true }, async (t) => {
  const own = await openDisks(t)
  observe('beforeAll: its disk and one of its own are there in a concurrent test', [
    disks?.look() ?? '',
    own.look(),
  ])
})

describe('a suite', () => {
  let inner: Disks | undefined
  before(async () => {
    inner = await openDisks()
  })

  test('has disks of its own', () => {
    observe('beforeAll of a suite: its disk is there in the test', inner?.look() ?? 'never opened')
  })
  after(() => observe('beforeAll of a suite: its disk is there in afterAll', inner?.look() ?? ''))
})

describe('a suite whose before() fails', () => {
  before(async () => {
    await openDisks()
    throw new Error('fails on purpose')
  })
  test('is not run', () => {})
})
