/** Clocks that stand still from before the file is loaded: the option fakeTimers.enableGlobally. */
import { describe, test } from '@jest/globals'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

describe('fake timers', () => {
  let disks: Disks | undefined
  test('while a disk is opened and deleted', async () => {
    disks = await openDisks()
    observe('a disk is there', disks.look())
    observe('the clock does stand still', 'clock' in setTimeout ? 'it does' : 'it goes')
  })
  test('comes next', () => {
    observe('it is gone before the next test', disks?.look() ?? 'never opened')
  })
})
