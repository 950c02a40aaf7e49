/** Tests that end in other ways than by their last line. */
import { describe, expect, test } from '@jest/globals'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

describe('a test that shall fail', () => {
  let disks: Disks | undefined
  test.failing('does', async () => {
    disks = await openDisks()
    expect(1).toBe(2)
  })
  test('comes next', () =>
    observe('test.failing: its disk is gone before the next test', disks?.look() ?? ''))
})

describe('a skip', () => {
  const paths: string[] = []
  test.skip('opens nothing', async () => void paths.push(...(await openDisks()).paths))
  test.todo('is still to be written')
  test('comes next', () => {
    observe('test.skip: no disk is opened', paths.length)
    // All that have begun, this one included.
    const state = Reflect.get(globalThis, Symbol.for('vmimage.jest.1')) as { attempts: Map<unknown, unknown> } // the adapter's
    observe('test.skip and test.todo: what is remembered of them', state.attempts.size - 1)
  })
})

describe('an early end', () => {
  test('by dispose()', async () => {
    const disks = await openDisks()
    await disks.dispose()
    observe('dispose(): its disk is gone at once', disks.look())
    await disks.dispose()
    observe('dispose() again: no error', 'none')
  })
})

describe('a test with a callback', () => {
  let disks: Disks | undefined
  const open = async (done: () => void) => {
    disks = await openDisks()
    observe('test with done(): its disk is there', disks.look())
    done()
  }
  test('opens disks', (done) => void open(done))
  test('comes next', () =>
    observe('test with done(): its disk is gone before the next test', disks?.look() ?? ''))
})
