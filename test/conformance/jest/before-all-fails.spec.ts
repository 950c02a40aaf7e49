/** A file whose beforeAll fails after it has opened disks. */
import { beforeAll, test } from '@jest/globals'
import { afterTheFile } from './after-the-file.js'
import { openDisks } from './disks.js'

beforeAll(async () => {
  afterTheFile('beforeAll of a file that fails: its disk is gone after the file', (await openDisks()).paths)
  throw new Error('fails on purpose')
})

test('is not run', () => {})
