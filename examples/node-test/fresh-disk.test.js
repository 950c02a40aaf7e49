/** Each test has a disk of its own; nothing that one test writes is there for the next. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync } from 'node:fs'
import { beforeEach, describe, test } from 'node:test'
import { useVmImage } from 'vmimage/node-test'

// They stand in for a guest, so that this example runs without QEMU.
const leaveNote = (disk, note) => appendFileSync(disk.path, `note: ${note}\n`)
const findNotes = (disk) => readFileSync(disk.path, 'latin1').match(/note: .*/g) ?? []

test('one test writes to its disk', async (t) => {
  const disk = await useVmImage(t, 'fedora')
  leaveNote(disk, 'the first test was here')
  assert.deepEqual(findNotes(disk), ['note: the first test was here'])
})

test('the next one has a fresh disk', async (t) => {
  const disk = await useVmImage(t, 'fedora')
  assert.deepEqual(findNotes(disk), [])
})

describe('the context may be left out', () => {
  let disk

  beforeEach(async () => {
    disk = await useVmImage('debian:13')
  })

  for (const number of [1, 2]) {
    test(`test ${number} has what its beforeEach opened`, () => {
      assert.deepEqual(findNotes(disk), [])
      leaveNote(disk, `installed by ${number}`)
    })
  }
})
