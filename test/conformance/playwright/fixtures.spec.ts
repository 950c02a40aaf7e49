/** Disks that fixtures open: the user's own, and ours. */
import { type OpenVmImage, test } from 'vmimage/playwright'
import { openDisks, refusal } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

const testWithDisks = test.extend<{ disks: Disks }>({
  disks: async ({ vmImage }, use) => {
    const disks = await openDisks(vmImage)
    await use(disks)
    observe('fixture: its disk is there in its teardown', disks.look())
  },
})

test.describe('a fixture', () => {
  let opened: Disks | undefined

  testWithDisks('opens disks', ({ disks }) => {
    opened = disks
    observe('fixture: its disk is there in the test', disks.look())
  })

  test('comes next', () => {
    observe('fixture: its disk is gone before the next test', opened?.look() ?? 'never opened')
  })
})

test.describe('our fixture', () => {
  let opened: Disks | undefined

  test('opens disks', async ({ vmImage }) => {
    opened = await openDisks(vmImage)
    observe('fixture vmImage: a disk is there in the test', opened.look())
  })

  test('comes next', () => {
    observe('fixture vmImage: it is gone before the next test', opened?.look() ?? 'never opened')
  })
})

test.describe('beforeAll', () => {
  let inHook = 'not called'
  let kept: OpenVmImage | undefined
  test.beforeAll(async ({ vmImage }) => {
    kept = vmImage
    inHook = await refusal(vmImage)
  })
  test('comes later', async ({ vmImage }) => {
    observe('beforeAll: refused', inHook)
    observe('what beforeAll was given, called in a test: refused', kept ? await refusal(kept) : 'not called')
    observe('a disk of the test after that is there', (await openDisks(vmImage)).look())
  })
  test.afterAll(async ({ vmImage }) => observe('afterAll: refused', await refusal(vmImage)))
})
