/** A test that is tried three times, after all others of its file or at once (RETRY). */
import { afterAll, describe, expect, jest, test } from '@jest/globals'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

const { RETRY: name = '' } = process.env
jest.retryTimes(2, { retryImmediately: name === 'retryImmediately' })

describe('a test', () => {
  const tries: Disks[] = []

  test('opens disks at each try', async () => {
    const before = tries.map((disks) => disks.look())
    tries.push(await openDisks())
    if (tries.length === 3) observe(`${name}: the disks of earlier tries are gone`, before)
    expect(tries).toHaveLength(3)
  })

  afterAll(() => {
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
