/** What is slow to prepare can be shared: a disk that beforeAll opens lives until the last test of the file. */
import { beforeAll, expect, test } from 'vitest'
import { useVmImage, type VmImage } from 'vmimage/vitest'
import { findNotes, leaveNote } from './guest.js'

let prepared: VmImage

beforeAll(async () => {
  prepared = await useVmImage('ubuntu:24.04')
  leaveNote(prepared.path, 'packages are installed')
})

test('the first test finds it prepared', () => {
  expect(findNotes(prepared.path)).toContain('note: packages are installed')
  leaveNote(prepared.path, 'the service runs')
})

test('the second goes on from there', () => {
  expect(findNotes(prepared.path)).toContain('note: the service runs')
})
