/** A file that imports nothing of Jest, as most do: the runner's globals. */
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

type Test = (name: string, body: () => void | Promise<void>) => void
const { test } = globalThis as unknown as { readonly test: Test } // Jest puts it there

let disks: Disks | undefined
test('opens disks', async () => {
  disks = await openDisks()
  observe('injected globals: a disk is there', disks.look())
})
test('comes next', () => {
  observe('injected globals: it is gone before the next test', disks?.look() ?? 'never opened')
})
