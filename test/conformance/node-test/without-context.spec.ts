/** Calls without the context: Node says whose they are. */
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

describe('a test', () => {
  let disks: Disks | undefined
  afterEach(() => {
    if (disks) observe('without the context: its disk is there in afterEach', disks.look())
  })
  test('opens disks', async () => {
    disks = await openDisks()
    observe('without the context: a test has its disk', disks.look())
  })
  test('comes next', () => {
    observe('without the context: it is gone before the next test', disks?.look() ?? 'never opened')
    disks = undefined
  })
})

describe('beforeEach', () => {
  let disks: Disks | undefined
  beforeEach(async () => {
    disks ??= await openDisks()
  })
  test('uses the disks', () => {
    observe(
      'without the context: the disk of beforeEach is there in the test',
      disks?.look() ?? 'never opened',
    )
  })
  test('comes next', () => {
    observe(
      'without the context: the disk of beforeEach is gone before the next test',
      disks?.look() ?? 'never opened',
    )
  })
})
