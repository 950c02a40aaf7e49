import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { placeFrozen } from '../../src/image/place-frozen.js'
import { isUnchanged, type Stamp, stampOf } from '../../src/store/stamp.js'
import { tempDir } from '../support/temp-dir.js'

function freeze(directory: string): { readonly name: string; readonly frozenAs: Stamp } {
  const path = join(directory, 'disk')
  writeFileSync(path, 'frozen')
  const frozenAs = stampOf(path)
  if (frozenAs === undefined) throw new Error(`${path} is gone.`)
  return { name: 'disk', frozenAs }
}

test('placeFrozen() links the file, and what was written to it meanwhile still shows', async () => {
  await using from = await tempDir()
  await using to = await tempDir()
  const disk = freeze(from.path)
  writeFileSync(join(from.path, 'disk'), 'written to')
  const placed = placeFrozen(disk, from.path, to.path)
  expect(placed).toEqual(disk)
  expect(isUnchanged(join(to.path, 'disk'), placed.frozenAs)).toBe(false)
})

test('placeFrozen() copies it to another file system, and knows the copy', async ({ skip }) => {
  await using from = await tempDir()
  const isElsewhere = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(from.path).dev
  skip(!isElsewhere, 'this system has no second file system (/dev/shm) to copy to')
  const to = mkdtempSync('/dev/shm/vmimage-test-')
  try {
    const placed = placeFrozen(freeze(from.path), from.path, to)
    expect(readFileSync(join(to, 'disk'), 'utf8')).toBe('frozen')
    expect(isUnchanged(join(to, 'disk'), placed.frozenAs)).toBe(true)
    // A second fork finds it there.
    expect(placeFrozen(freeze(from.path), from.path, to)).toEqual(placed)
  } finally {
    rmSync(to, { recursive: true })
  }
})
