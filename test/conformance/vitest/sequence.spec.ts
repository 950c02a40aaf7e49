/** Tests that say nothing of themselves and are concurrent by the option sequence.concurrent. */
import { setImmediate } from 'node:timers/promises'
import { afterAll, test } from 'vitest'
import { type Disks, lookAt, openDisks } from './disks.js'
import { observe } from './observe.js'

const numbers = Array.from({ length: 12 }, (_, number) => number)
const opened: Disks[] = []
let right = 0
let running = 0
let together = 0

test.for(numbers)('number %i', async (number) => {
  running += 1
  together = Math.max(together, running)
  const disks = await openDisks()
  opened.push(disks)
  for (let turn = 0; turn < 20 * (numbers.length - number); turn += 1) await setImmediate()
  if (disks.look() === 'there') right += 1
  running -= 1
})

afterAll(() => {
  observe('sequence.concurrent: tests do run at once', together > 1 ? 'at once' : 'in turn')
  observe('sequence.concurrent: each of 12 tests has its own disks to its end', right)
  observe('sequence.concurrent: no disk is left', lookAt(opened.flatMap(({ paths }) => paths)))
})
