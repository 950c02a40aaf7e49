/** Tests that end in other ways than by their last line. */
import { test } from 'vmimage/playwright'
import { expect } from '@playwright/test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

test.describe('a skip', () => {
  let disks: Disks | undefined
  test('after disks were opened', async ({ vmImage }) => {
    disks = await openDisks(vmImage)
    test.skip()
  })
  test('comes next', () =>
    observe('test.skip() after use: its disk is gone', disks?.look() ?? 'never opened'))
})

test.describe('a test that shall fail', () => {
  let disks: Disks | undefined
  test('does', async ({ vmImage }) => {
    test.fail()
    disks = await openDisks(vmImage)
    expect(1).toBe(2)
  })
  test('comes next', () => observe('test.fail(): its disk is gone before the next test', disks?.look() ?? ''))
})

test.describe('an early end', () => {
  test('by dispose()', async ({ vmImage }) => {
    const disks = await openDisks(vmImage)
    await disks.dispose()
    observe('dispose(): its disk is gone at once', disks.look())
    await disks.dispose()
    observe('dispose() again: no error', 'none')
  })
})
