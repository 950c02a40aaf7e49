/** A file whose afterAll fails while its tests share disks. */
import { afterAll, beforeAll, test } from '@jest/globals'
import { afterTheFile } from './after-the-file.js'
import { openDisks } from './disks.js'

beforeAll(async () => {
  afterTheFile('afterAll that fails: the disk of the file is gone after the file', (await openDisks()).paths)
})
afterAll(() => {
  throw new Error('fails on purpose')
})

test('uses them', () => {})
