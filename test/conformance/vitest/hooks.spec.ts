/** Hooks that hang, and clocks that stand still. */
import { afterEach, beforeEach, describe, onTestFinished, test, vi } from 'vitest'
import { type Disks, openDisks } from './disks.js'
import { observe } from './observe.js'

/** Hooks that open disks first have time for that on a busy machine. */
const never = () => new Promise<void>(() => {})

describe('beforeEach', () => {
  let disks: Disks | undefined
  describe('that hangs', () => {
    beforeEach(async () => {
      disks = await openDisks()
      await never()
    }, 1000)
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

describe('onTestFinished', () => {
  let disks: Disks | undefined
  test('that hangs', async () => {
    onTestFinished(never, 50)
    disks = await openDisks()
  })
  test('comes next', () => {
    observe(
      'onTestFinished that times out: the disk is gone before the next test',
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
    vi.useFakeTimers()
    disks = await openDisks()
    observe('fake timers: a disk is there', disks.look())
  })
  test('comes next', () => {
    vi.useRealTimers()
    observe('fake timers: it is gone before the next test', disks?.look() ?? 'never opened')
  })
})
