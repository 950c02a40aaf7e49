/** Disks that fixtures open: the user's own, and ours. */
import { afterAll, describe, test } from 'vitest'
import { test as testWithVmImage } from 'vmimage/vitest'
import { type Disks, lookAt, openDisks } from './disks.js'
import { observe } from './observe.js'

const testWithDisks = test.extend<{ disks: Disks }>({
  // oxlint-disable-next-line no-empty-pattern -- Vitest wants a destructuring
  disks: async ({}, use) => {
    const disks = await openDisks()
    await use(disks)
    observe('fixture: its disk is there in its teardown', disks.look())
  },
})

describe('a fixture', () => {
  let opened: Disks | undefined

  testWithDisks('opens disks', ({ disks }) => {
    opened = disks
    observe('fixture: its disk is there in the test', disks.look())
  })

  test('comes next', () => {
    observe('fixture: its disk is gone before the next test', opened?.look() ?? 'never opened')
  })
})

describe('our fixture', () => {
  const paths: string[] = []

  testWithVmImage('opens disks', async ({ vmImage }) => {
    const images = await Promise.all([vmImage(process.env['IMAGE'] ?? ''), vmImage('debian:13')])
    paths.push(...images.map(({ path }) => path))
    observe('fixture vmImage: a disk is there in the test', lookAt(paths))
  })

  test('comes next', () => {
    observe(
      'fixture vmImage: it is gone before the next test',
      paths.length > 0 ? lookAt(paths) : 'never opened',
    )
  })
})

describe('concurrent tests', () => {
  const numbers = Array.from({ length: 12 }, (_, number) => number)
  const all: Disks[] = []
  let right = 0

  describe.concurrent('with a fixture', () => {
    for (const number of numbers) {
      testWithDisks(`number ${number}`, async ({ disks }) => {
        all.push(disks)
        for (let turn = 0; turn < 20 * (numbers.length - number); turn += 1) await Promise.resolve()
        if (disks.look() === 'there') right += 1
      })
    }
  })

  afterAll(() => {
    observe('fixture: each of 12 concurrent tests has its own disk to its end', right)
    observe('fixture: after concurrent tests no disk is left', lookAt(all.flatMap(({ paths }) => paths)))
  })
})
