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
