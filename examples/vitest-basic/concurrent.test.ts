/** Concurrent tests do not share either, and no test waits for another. */
import { describe, expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { findNotes, leaveNote } from './guest.js'

describe.concurrent('twelve installations at once', () => {
  test.for(Array.from({ length: 12 }, (_, number) => number))('number %i', async (number) => {
    const disk = await useVmImage('debian:13')
    leaveNote(disk.path, `installed by ${number}`)
    expect(findNotes(disk.path)).toEqual([`note: installed by ${number}`])
  })
})
