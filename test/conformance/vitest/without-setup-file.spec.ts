/** The global setup alone, without the setup file: what can be known then, and what needs the context. */
import { beforeAll, describe, test } from 'vitest'
import { type Disks, lookAt, openDisks, refusal } from './disks.js'
import { observe } from './observe.js'

let inBeforeAll: string | undefined
beforeAll(async () => {
  inBeforeAll = await refusal()
})

let disks: Disks | undefined
test('opens disks', async () => {
  disks = await openDisks()
  observe('without the setup file: a test has its disk', disks.look())
})

test('comes next', () => {
  observe('without the setup file: it is gone before the next test', disks?.look() ?? 'never opened')
  observe('without the setup file: beforeAll is refused', inBeforeAll ?? 'not called')
})

const codes: string[] = []
const opened: Disks[] = []
let right = 0
describe.concurrent('concurrent tests', () => {
  test.for([1, 2, 3])('without the context (%i)', async () => {
    codes.push(await refusal())
  })
  describe('in a nested suite', () => {
    test('without the context', async () => {
      codes.push(await refusal())
    })
  })
  test.for([1, 2, 3])('with it (%i)', async (_, context) => {
    const own = await openDisks({ context })
    opened.push(own)
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
    if (own.look() === 'there') right += 1
  })
})

test('comes last', () => {
  observe('without the setup file: concurrent tests are refused', codes)
  observe('without the setup file: with the context each of 3 concurrent tests has its own disk', right)
  observe('without the setup file: none of these is left', lookAt(opened.flatMap(({ paths }) => paths)))
})
