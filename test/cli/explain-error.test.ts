import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { explainError } from '../../src/cli/explain-error.js'
import { tempDir } from '../support/temp-dir.js'
import { type CommandLine, openCommandLine } from './command.js'

const systemError = (code: string) =>
  Object.assign(new Error(`${code}: it failed`), { code, path: '/cache/v1/run' })

describe('explainError()', () => {
  test.each([
    ['EACCES', 'CACHE_UNREADABLE', 'chmod -R a+rX'],
    ['EPERM', 'CACHE_UNREADABLE', 'VMIMAGE_SHARED=1'],
    ['EROFS', 'CACHE_UNWRITABLE', 'Mount it for writing'],
    ['ENOTDIR', 'INVALID_CONFIG', 'Remove the file'],
  ])('says of %s what to do', (code, ours, cure) => {
    const error = systemError(code)
    expect(explainError(error)).toMatchObject({ code: ours, cause: error })
    expect(String(explainError(error))).toContain('Cannot use "/cache/v1/run"')
    expect(String(explainError(error))).toContain(cure)
  })

  test.each([systemError('EMFILE'), new Error('a bug'), 'a text'])(
    'leaves anything else alone: %s',
    (error) => {
      expect(explainError(error)).toBe(error)
    },
  )
})

describe('a cache directory that is a file', () => {
  test.each(['list', 'doctor', 'verify'])('is said by vmimage %s, without a stack', async (command) => {
    await using commandLine: CommandLine = await openCommandLine()
    await using dir = await tempDir()
    const file = join(dir.path, 'cache')
    writeFileSync(file, '')
    const { code, stderr } = await commandLine.run(file, command)
    expect(code).not.toBe(0)
    expect(stderr).toContain('a file is where a directory is wanted')
    expect(stderr).not.toContain('    at ')
  })
})
