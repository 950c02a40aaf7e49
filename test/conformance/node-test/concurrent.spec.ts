/** Which disk belongs to which of many tests that run at once. */
import { setImmediate } from 'node:timers/promises'
import { after, describe, test } from 'node:test'
import type { NodeTestContext } from 'vmimage/node-test'
import { openDisks } from './disks.js'
import { type Disks, lookAt } from './look.js'
import { observe } from './observe.js'

const numbers = Array.from({ length: 12 }, (_, number) => number)

/** Later numbers end first: were the disks of all given to one test, some would be gone by its end. */
function addTests(name: string, contextOf: (t: NodeTestContext) => NodeTestContext | undefined): void {
  const opened: Disks[] = []
  let right = 0
  describe(name, () => {
    describe('at once', { concurrency: true }, () => {
      for (const number of numbers) {
        test(`number ${number}`, async (t) => {
          const first = await openDisks(contextOf(t))
          for (let turn = 0; turn < 20 * (numbers.length - number); turn += 1) await setImmediate()
          const second = await openDisks(contextOf(t))
          opened.push(first, second)
          if (first.look() === 'there' && second.look() === 'there') right += 1
        })
      }
    })
    after(() => {
      const paths = opened.flatMap((disks) => disks.paths)
      observe(`${name}: each of 12 tests has its own disks to its end`, right)
      observe(`${name}: no two calls give one disk`, paths.length - new Set(paths).size)
      observe(`${name}: no disk is left`, lookAt(paths))
    })
  })
}

addTests('test.concurrent', (t) => t)
addTests('test.concurrent without the context', () => undefined)
