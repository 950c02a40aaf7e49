/** Which disk belongs to which of many tests that run at once. */
import { afterAll, describe, test } from '@jest/globals'
import { setImmediate } from 'node:timers/promises'
import { openDisks } from './disks.js'
import { type Disks, lookAt } from './look.js'
import { observe } from './observe.js'

const numbers = Array.from({ length: 12 }, (_, number) => number)

/** Later numbers end first: were the disks of all given to one test, some would be gone by its end. */
function addTests(name: string): void {
  const opened: Disks[] = []
  let right = 0
  test.concurrent.each(numbers)('number %i', async (number) => {
    const first = await openDisks()
    for (let turn = 0; turn < 20 * (numbers.length - number); turn += 1) await setImmediate()
    const second = await openDisks()
    opened.push(first, second)
    if (first.look() === 'there' && second.look() === 'there') right += 1
  })
  afterAll(() => {
    const paths = opened.flatMap((disks) => disks.paths)
    observe(`${name}: each of 12 tests has its own disks to its end`, right)
    observe(`${name}: no two calls give one disk`, paths.length - new Set(paths).size)
    observe(`${name}: no disk is left`, lookAt(paths))
  })
}

describe('test.concurrent', () => addTests('test.concurrent'))
describe('a suite', () => {
  describe('with another inside', () => addTests('test.concurrent in a nested suite'))
})
