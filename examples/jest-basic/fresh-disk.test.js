/** Each test has a disk of its own; nothing that one test writes is there for the next. */
const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const { useVmImage } = require('vmimage/jest')

// They stand in for a guest, so that this example runs without QEMU.
const leaveNote = (disk, note) => appendFileSync(disk.path, `note: ${note}\n`)
const findNotes = (disk) => readFileSync(disk.path, 'latin1').match(/note: .*/g) ?? []

test('one test writes to its disk', async () => {
  const disk = await useVmImage('fedora')
  leaveNote(disk, 'the first test was here')
  expect(findNotes(disk)).toEqual(['note: the first test was here'])
})

test('the next one has a fresh disk', async () => {
  const disk = await useVmImage('fedora')
  expect(findNotes(disk)).toEqual([])
})

test.concurrent.each([1, 2, 3, 4])('concurrent tests do not share either: %i', async (number) => {
  const disk = await useVmImage('debian:13')
  leaveNote(disk, `installed by ${number}`)
  await new Promise((resolve) => setImmediate(resolve))
  expect(findNotes(disk)).toEqual([`note: installed by ${number}`])
})

describe('what is slow to prepare', () => {
  let prepared

  beforeAll(async () => {
    prepared = await useVmImage('ubuntu:24.04')
    leaveNote(prepared, 'packages are installed')
  })

  test.each(['first', 'second'])('is there for the %s test of the describe()', () => {
    expect(existsSync(prepared.path)).toBe(true)
    expect(findNotes(prepared)).toEqual(['note: packages are installed'])
  })
})
