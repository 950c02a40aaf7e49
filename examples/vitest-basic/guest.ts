/**
 * Stands in for a guest, so that this example runs without QEMU: it leaves a note on a disk and looks for it. In a
 * test of your own this is the place where you boot `disk.path`, or hand it to libguestfs or a customiser.
 */
import { appendFileSync, readFileSync } from 'node:fs'

export function leaveNote(diskPath: string, note: string): void {
  appendFileSync(diskPath, `note: ${note}\n`)
}

export function findNotes(diskPath: string): readonly string[] {
  return readFileSync(diskPath, 'latin1').match(/note: .*/g) ?? []
}
