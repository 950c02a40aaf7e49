/** Each test has a disk of its own; nothing that one test writes is there for the next. */
import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { findNotes, leaveNote } from './guest.js'

test('one test writes to its disk', async () => {
  const disk = await useVmImage('fedora')
  leaveNote(disk.path, 'the first test was here')
  expect(findNotes(disk.path)).toEqual(['note: the first test was here'])
})

test('the next one has a fresh disk', async () => {
  const disk = await useVmImage('fedora')
  expect(findNotes(disk.path)).toEqual([])
})

test('a test may have several', async () => {
  const server = await useVmImage('fedora')
  const client = await useVmImage('debian:13')
  leaveNote(server.path, 'I serve')
  expect(findNotes(client.path)).toEqual([])
})
