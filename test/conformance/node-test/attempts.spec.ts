/** Tests in tests, and tests that end in other ways than by their last line. */
import { describe, test } from 'node:test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

test('a test with tests inside', async (t) => {
  const outer = await openDisks(t)
  let inner: Disks | undefined
  await t.test('opens disks', async (nested) => {
    inner = await openDisks(nested)
    observe('subtest: its disk and its parent’s are there', [inner.look(), outer.look()])
  })
  observe('subtest: its disk is gone after it, its parent’s is there', [inner?.look() ?? '', outer.look()])
})

describe('a skip', () => {
  let disks: Disks | undefined
  test('after disks were opened', async (t) => {
    disks = await openDisks(t)
    t.skip()
  })
  test('comes next', () => observe('t.skip() after use: its disk is gone', disks?.look() ?? 'never opened'))
})

describe('an early end', () => {
  test('by dispose()', async (t) => {
    const disks = await openDisks(t)
    await disks.dispose()
    observe('dispose(): its disk is gone at once', disks.look())
    await disks.dispose()
    observe('dispose() again: no error', 'none')
  })
})
