import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { diskFullError, isDiskFull } from '../../src/fetch/disk-full.js'
import { image, sha256 } from '../support/downloading.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'

test.each([
  ['ENOSPC', true],
  ['EDQUOT', true],
  ['EACCES', false],
  ['EIO', false],
])('isDiskFull() of %s is %s', (code, expected) => {
  expect(isDiskFull(Object.assign(new Error(code), { code }))).toBe(expected)
})

test('diskFullError() says what is needed and what there is', async () => {
  await using dir = await tempDir()
  const error = await diskFullError(`${dir.path}/part`, 12_345, undefined)
  expect(error.code).toBe('NO_SPACE')
  expect(error.message).toMatch(
    /the disk has \d+ bytes left without it, and it needs 12345 bytes\.\nFree some space/,
  )
  expect((await diskFullError(`${dir.path}/part`, undefined, undefined)).message).toContain('it needs more.')
})
