/** Disks of a test and of its beforeEach, in every hook that comes after. */
import { test } from 'vmimage/playwright'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

test.describe('a test', () => {
  let disks: Disks | undefined
  test.afterEach(() => {
    if (disks) observe('test: its disk is there in afterEach', disks.look())
  })

  test('opens disks', async ({ vmImage }) => {
    disks = await openDisks(vmImage)
    observe('test: its disk is there', disks.look())
  })

  test('comes next', () => {
    observe('test: its disk is gone before the next test', disks?.look() ?? 'never opened')
    disks = undefined
  })
})

test.describe('beforeEach', () => {
  let disks: Disks | undefined
  let isFirst = true
  test.beforeEach(async ({ vmImage }) => {
    if (isFirst) disks = await openDisks(vmImage)
  })
  test.afterEach(() => {
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

test.describe('a suite', () => {
  let disks: Disks | undefined
  test.beforeEach(async ({ vmImage }) => {
    disks ??= await openDisks(vmImage)
  })

  test.describe('in a suite', () => {
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
