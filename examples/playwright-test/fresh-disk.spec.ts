/** Each test has a disk of its own; nothing that one test writes is there for the next. No browser is needed for this. */
import { appendFileSync, readFileSync } from 'node:fs'
import { expect } from '@playwright/test'
import { test } from 'vmimage/playwright'

// They stand in for a guest, so that this example runs without QEMU.
const leaveNote = (path: string, note: string) => appendFileSync(path, `note: ${note}\n`)
const findNotes = (path: string) => readFileSync(path, 'latin1').match(/note: .*/g) ?? []

test('one test writes to its disk', async ({ vmImage }) => {
  const disk = await vmImage('fedora')
  leaveNote(disk.path, 'the first test was here')
  expect(findNotes(disk.path)).toEqual(['note: the first test was here'])
})

test('the next one has a fresh disk, and a larger one', async ({ vmImage }) => {
  const disk = await vmImage('fedora', { size: '20G' })
  expect(findNotes(disk.path)).toEqual([])
  expect(disk.virtualSizeBytes).toBe(20 * 1024 ** 3)
})

test('a test may have several', async ({ vmImage }) => {
  const server = await vmImage('fedora')
  const client = await vmImage('debian:13')
  leaveNote(server.path, 'I serve')
  expect(findNotes(client.path)).toEqual([])
})
