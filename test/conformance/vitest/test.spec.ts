/** Disks of a test and of its beforeEach, in every hook that comes after. */
import { afterEach, beforeEach, describe, onTestFinished, test } from 'vitest'
import { type Disks, openDisks } from './disks.js'
import { observe } from './observe.js'

describe('a test', () => {
  let disks: Disks | undefined
  afterEach(() => {
    if (disks) observe('test: its disk is there in afterEach', disks.look())
  })

  test('opens disks', async () => {
    onTestFinished(() => observe('test: its disk is there in an onTestFinished of before', look()))
    const opened = (disks = await openDisks())
    const look = () => opened.look()
    onTestFinished(() => observe('test: its disk is there in an onTestFinished of after', look()))
    observe('test: its disk is there', look())
  })

  test('comes next', () => {
    observe('test: its disk is gone before the next test', disks?.look() ?? 'never opened')
    disks = undefined
  })
})

describe('beforeEach', () => {
  let disks: Disks | undefined
  beforeEach(async ({ task }) => {
    if (task.name !== 'uses the disks') return
    const opened = (disks = await openDisks())
    return () => observe('beforeEach: its disk is there in the cleanup it returns', opened.look())
  })
  afterEach(({ task }) => {
    if (task.name === 'uses the disks') {
      observe('beforeEach: its disk is there in afterEach', disks?.look() ?? 'never opened')
    }
  })

  test('uses the disks', () => {
    observe('beforeEach: its disk is there in the test', disks?.look() ?? 'never opened')
  })

  test('comes next', () => {
    observe('beforeEach: its disk is gone before the next test', disks?.look() ?? 'never opened')
  })
})
