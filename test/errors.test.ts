import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { systemErrorCode, VmImageError } from '../src/errors.js'

describe('errors', () => {
  test('VmImageError carries code and cause', () => {
    const cause = new Error('why')
    const error = new VmImageError('NETWORK', 'Cannot.', { cause })
    expect(error).toMatchObject({
      name: 'VmImageError [NETWORK]',
      code: 'NETWORK',
      message: 'Cannot.',
      cause,
    })
  })

  test('VmImageError knows the errors of another copy of itself, and nothing else', async () => {
    // What tests import is the source, and the package's own name leads to what is built.
    const { VmImageError: Other } = await import('vmimage')
    expect(Other).not.toBe(VmImageError)
    expect(new VmImageError('NETWORK', 'Cannot.')).toBeInstanceOf(Other)
    expect(new Other('NETWORK', 'Cannot.')).toBeInstanceOf(VmImageError)
    for (const other of [new Error('no'), { code: 'NETWORK' }, 'NETWORK', null]) {
      expect(other).not.toBeInstanceOf(VmImageError)
    }
  })

  test('systemErrorCode() reads system errors, also of another realm', () => {
    expect(systemErrorCode(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toBe('ENOENT')
    expect(systemErrorCode(runInNewContext("Object.assign(new Error('gone'), { code: 'ENOENT' })"))).toBe(
      'ENOENT',
    )
  })

  test.each([
    undefined,
    null,
    'ENOENT',
    {},
    new Error('plain'),
    { code: 5 },
    new VmImageError('NETWORK', 'Cannot.'),
  ])('systemErrorCode() reads nothing into %o', (error) => {
    expect(systemErrorCode(error)).toBeUndefined()
  })
})
