/** Disks of a test and of its beforeEach, in every hook that comes after. */
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { NodeTestContext } from 'vmimage/node-test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

describe('a test', () => {
  let disks: Disks | undefined
  afterEach(() => {
    if (disks) observe('test: its disk is there in afterEach', disks.look())
  })

  test('opens disks', async (t) => {
    disks = await openDisks(t)
    observe('test: its disk is there', disks.look())
  })

  test('comes next', () => {
    observe('test: its disk is gone before the next test', disks?.look() ?? 'never opened')
    disks = undefined
  })
})

describe('beforeEach', () => {
  let disks: Disks | undefined
  let isFirst = true
  beforeEach(async (t: unknown) => {
    if (isFirst) disks = await openDisks(t as NodeTestContext) // the context of the test
  })
  afterEach(() => {
    if (isFirst) observe('beforeEach: its disk is there in afterEach', disks?.look() ?? 'never opened')
    isFirst = false
  })

  test('uses the disks', () => {
    observe('beforeEach: its disk is there in the test', disks?.look() ?? 'never opened')
  })

  test('comes next', () => {
    observe('beforeEach: its disk is gone before the next test', disks?.look() ?? 'never opened')
  })
})

describe('a suite', () => {
  let disks: Disks | undefined
  beforeEach(async (t: unknown) => {
    disks ??= await openDisks(t as NodeTestContext) // the context of the test
  })

  describe('in a suite', () => {
    test('has the disk of an outer beforeEach', () => {
      observe('beforeEach of an outer suite: its disk is there in the test', disks?.look() ?? 'never opened')
    })
  })

  test('comes next', () => {
    observe(
      'beforeEach of an outer suite: its disk is gone before the next test',
      disks?.look() ?? 'never opened',
    )
  })
})
