/** Tests that are tried several times, and tests that end in other ways than by their last line. */
import { describe, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { type Disks, lookAt, openDisks } from './disks.js'
import { observe } from './observe.js'

const canDispose = 'asyncDispose' in Symbol

describe.each([
  ['retry', { retry: 2 }],
  ['repeats', { repeats: 2 }],
])('%s', (name, options) => {
  const tries: Disks[] = []

  test('opens disks at each try', options, async () => {
    const before = tries.map((disks) => disks.look())
    tries.push(await openDisks())
    if (tries.length === 3) observe(`${name}: the disks of earlier tries are gone`, before)
    if (name === 'retry') expect(tries).toHaveLength(3)
  })

  test('comes next', () => {
    observe(
      `${name}: each of 3 tries has a fresh disk`,
      new Set(tries.flatMap(({ paths }) => paths)).size / 2,
    )
    observe(
      `${name}: none is left`,
      tries.map((disks) => disks.look()),
    )
  })
})

describe('a skip', () => {
  let disks: Disks | undefined
  test('after disks were opened', async ({ skip }) => {
    disks = await openDisks()
    skip()
  })
  test('comes next', () => observe('ctx.skip() after use: its disk is gone', disks?.look() ?? 'never opened'))
})

describe('a soft failure', () => {
  test('does not end the test', { fails: true }, async () => {
    expect.soft(1).toBe(2)
    observe('expect.soft() failed before: a disk is there', (await openDisks()).look())
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

  test('by await using', async () => {
    const paths: string[] = []
    if (!canDispose) {
      observe('await using: its disk is there in the block', 'no Symbol.asyncDispose')
      observe('await using: its disk is gone after the block', 'no Symbol.asyncDispose')
      return
    }
    {
      await using image = await useVmImage('debian:13')
      paths.push(image.path)
      observe('await using: its disk is there in the block', lookAt(paths))
    }
    observe('await using: its disk is gone after the block', lookAt(paths))
  })
})
