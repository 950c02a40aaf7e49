/** Hooks that hang, and clocks that stand still. */
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { NodeTestContext } from 'vmimage/node-test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

// Node ends a process in which nothing can happen any more.
const never = () => new Promise<void>((resolve) => setTimeout(resolve, 3000))

describe('beforeEach', () => {
  let disks: Disks | undefined
  describe('that hangs', () => {
    beforeEach(
      async (t: unknown) => {
        disks = await openDisks(t as NodeTestContext) // the context of the test
        await never()
      },
      { timeout: 500 },
    )
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
    afterEach(never, { timeout: 50 })
    test('times out', async (t) => {
      disks = await openDisks(t)
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
    test('opened disks', async (t) => {
      disks = await openDisks(t)
    })
  })
  test('comes next', () => {
    observe('afterEach that fails: the disk is gone before the next test', disks?.look() ?? 'never opened')
  })
})

describe('fake timers', () => {
  let disks: Disks | undefined
  test('while a disk is opened and deleted', async (t) => {
    t.mock.timers.enable()
    disks = await openDisks(t)
    observe('fake timers: a disk is there', disks.look())
  })
  test('comes next', () => {
    observe('fake timers: it is gone before the next test', disks?.look() ?? 'never opened')
  })
})
