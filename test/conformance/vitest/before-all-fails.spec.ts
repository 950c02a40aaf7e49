/** A file whose beforeAll fails after it has opened disks. */
import { beforeAll, test } from 'vitest'
import { openDisks } from './disks.js'
import { afterTheFile } from './global-teardown.js'

beforeAll(async () => {
  afterTheFile('beforeAll of a file that fails: its disk is gone after the file', (await openDisks()).paths)
  throw new Error('fails on purpose')
})

test('is not run', () => {})
