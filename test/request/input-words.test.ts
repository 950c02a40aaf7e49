import { describe, expect, test } from 'vitest'
import { imageProviders } from '../../src/providers/index.js'
import { inputWords } from '../../src/request/input-words.js'
import type { ImageInput } from '../../src/request/request.js'

describe('inputWords()', () => {
  test.each<[ImageInput, ImageInput]>([
    ['fedora', 'fedora'],
    ['fedora', { name: 'fedora' }],
    ['fedora', { name: 'fedora', version: undefined }],
    [
      { name: 'fedora', version: 41 },
      { version: 41, name: 'fedora' },
    ],
    ['/images/disk.qcow2', '/images/disk.qcow2'],
    [{ path: '/images/disk.qcow2' }, { path: '/images/disk.qcow2' }],
    [{}, {}],
  ])('are the same for %o and %o', (one, other) => {
    expect(inputWords(one)).toEqual(expect.any(String))
    expect(inputWords(one)).toBe(inputWords(other))
  })

  test.each<[ImageInput, ImageInput]>([
    ['fedora', 'Fedora'],
    ['fedora', 'fedora:41'],
    [{ version: 41 }, { version: '41' }],
    [{ path: '/a' }, { url: '/a' }],
    ['fedora', {}],
  ])('differ for %o and %o', (one, other) => {
    expect(inputWords(one)).not.toBe(inputWords(other))
  })

  test.each<[string, ImageInput]>([
    ['a path from the current directory', './disk.qcow2'],
    ['a path from the one above', '../disk.qcow2'],
    ['a path from home', '~/disk.qcow2'],
    ['a relative path in a record', { path: 'disk.qcow2' }],
    ['a regular expression', { name: 'fedora', version: /^4/ }],
    ['a provider', { provider: imageProviders.find('fedora') }],
    ['nonsense of a caller without types', null as unknown as string],
    ['a list of such a caller', ['fedora'] as unknown as string],
  ])('are none for %s', (_, input) => {
    expect(inputWords(input)).toBeUndefined()
  })
})
