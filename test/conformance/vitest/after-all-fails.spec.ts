/** A file whose afterAll fails while its tests share disks. */
import { afterAll, beforeAll, test } from 'vitest'
import { openDisks } from './disks.js'
import { afterTheFile } from './global-teardown.js'

beforeAll(async () => {
  afterTheFile('afterAll that fails: the disk of the file is gone after the file', (await openDisks()).paths)
})
afterAll(() => {
  throw new Error('fails on purpose')
})

test('uses them', () => {})
