/** A file whose tests share a disk, and one of which fails: it is kept, after all hooks. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

let disks: Disks | undefined
before(async () => {
  disks = await openDisks()
})
after(() => observe('keep: the disk of a file is where it was in after()', disks?.look() ?? 'never opened'))

describe('a suite', () => {
  test('fails of what has no disk', () => assert.equal(1, 2))
})
