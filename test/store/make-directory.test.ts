import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeDirectory } from '../../src/store/make-directory.js'
import { tempDir } from '../support/temp-dir.js'

const own = { isShared: false }

describe('makeDirectory()', () => {
  test('makes the parents too, private to the user, and does nothing the second time', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'a/b/c')
    makeDirectory(own, path)
    makeDirectory(own, path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir.path, 'a')).mode & 0o777).toBe(0o700)
  })

  test('says that a file is in the way', async () => {
    await using dir = await tempDir()
    writeFileSync(join(dir.path, 'file'), '')
    expect(() => makeDirectory(own, join(dir.path, 'file'))).toThrow('EEXIST')
    expect(() => makeDirectory(own, join(dir.path, 'file/below'))).toThrow('ENOTDIR')
  })

  test.skipIf(!existsSync('/proc/self'))(
    'comes to an end where nothing can be made below a directory that exists',
    () => {
      expect(() => makeDirectory(own, '/proc/nothing/below')).toThrow('ENOENT')
    },
  )

  test('takes a link to a directory for one', async () => {
    await using dir = await tempDir()
    mkdirSync(join(dir.path, 'real'))
    symlinkSync('real', join(dir.path, 'link'))
    makeDirectory(own, join(dir.path, 'link'))
    expect(existsSync(join(dir.path, 'real'))).toBe(true)
  })
})
