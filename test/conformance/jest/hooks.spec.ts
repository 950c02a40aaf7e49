/** Hooks that hang, and clocks that stand still. */
import { afterEach, beforeEach, describe, jest, test } from '@jest/globals'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

const never = () => new Promise<void>(() => {})

describe('beforeEach', () => {
  let disks: Disks | undefined
  describe('that hangs', () => {
    beforeEach(async () => {
      disks = await openDisks()
      await never()
    }, 200)
    test('times out', () => {})
  })
  test('comes next', () => {
    observe(
      'beforeEach that times out: its disk is gone before the next test',
      disks?.look() ?? 'never opened',
    )
  })
})

describe('afterEach', () => {
  let disks: Disks | undefined
  describe('that hangs', () => {
    afterEach(never, 50)
    test('times out', async () => {
      disks = await openDisks()
    })
  })
  test('comes next', () => {
    observe(
      'afterEach that times out: the disk is gone before the next test',
      disks?.look() ?? 'never opened',
    )
  })
})

describe('afterEach', () => {
  let disks: Disks | undefined
  describe('that fails', () => {
    afterEach(() => {
      throw new Error('fails on purpose')
    })
    test('opened disks', async () => {
      disks = await openDisks()
    })
  })
  test('comes next', () => {
    observe('afterEach that fails: the disk is gone before the next test', disks?.look() ?? 'never opened')
  })
})

describe('fake timers', () => {
  let disks: Disks | undefined
  test('while a disk is opened and deleted', async () => {
    jest.useFakeTimers()
    disks = await openDisks()
    observe('fake timers: a disk is there', disks.look())
  })
  test('comes next', () => {
    jest.useRealTimers()
    observe('fake timers: it is gone before the next test', disks?.look() ?? 'never opened')
  })
})
