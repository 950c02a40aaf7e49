import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lookAtFileSystem } from '../../src/doctor/file-system.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'

const looking = (directory: string) => `
  const { lookAtFileSystem } = await source('doctor/file-system.ts')
  const { kind, freeBytes, writeError, linkError } = lookAtFileSystem(${JSON.stringify(directory)})
  console.log(kind, freeBytes, writeError, linkError)`

describe('lookAtFileSystem()', () => {
  test('tries to write and to link, and leaves nothing', async () => {
    await using dir = await tempDir()
    expect(lookAtFileSystem(dir.path)).toMatchObject({
      directory: dir.path,
      writeError: undefined,
      linkError: undefined,
    })
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('looks at the nearest directory that there is', async () => {
    await using dir = await tempDir()
    expect(lookAtFileSystem(join(dir.path, 'a', 'b')).directory).toBe(dir.path)
  })

  test('tells a tmpfs, and its room', async ({ skip }) => {
    skip(!canUnshare, 'this system lets no user unshare')
    await using dir = await tempDir()
    const mount = `mount -t tmpfs -o size=1m small '${dir.path}'`
    expect(await runUnshared(mount, looking(dir.path))).toBe('tmpfs 1048576 undefined undefined')
  })

  test('fault 37, a read-only file system: says so', async ({ skip }) => {
    skip(!canUnshare, 'this system lets no user unshare')
    await using dir = await tempDir()
    const mount = `mount -t tmpfs -o ro small '${dir.path}'`
    expect(await runUnshared(mount, looking(dir.path))).toMatch(/^tmpfs \d+ EROFS undefined$/)
  })
})
