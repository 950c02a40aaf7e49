import { describe, expect, test, vi } from 'vitest'
import { defineProvider, imageProviders } from '../../src/providers/index.js'

function define(name: string, aliases: readonly string[] = []) {
  return defineProvider({
    name,
    aliases,
    versionsUrl: 'https://images.example.org/',
    imagesUrl: 'https://images.example.org/{version}/',
    imagePattern: 'disk-{version}.{arch}.qcow2',
  })
}

function findMisspelt() {
  return imageProviders.find('fedroa')
}

describe('imageProviders', () => {
  test('finds by name and alias, whatever the letter case', () => {
    expect(imageProviders.find('Fedora').name).toBe('fedora')
    expect(imageProviders.find('DEBIAN-CLOUD').name).toBe('debian')
  })

  test('finds what was added, and replaces one of the same name', () => {
    imageProviders.add(define('zeta', ['z']))
    const second = define('zeta', ['z'])
    imageProviders.add(second)
    expect(imageProviders.find('Z')).toBe(second)
    expect(imageProviders.list().filter(({ name }) => name === 'zeta')).toEqual([second])
  })

  test('replaces a provider of the package by its name', () => {
    const before = imageProviders.find('cirros')
    const own = define('cirros', ['tiny'])
    imageProviders.add(own)
    expect(imageProviders.find('Tiny')).toBe(own)
    imageProviders.add(before)
    expect(imageProviders.find('cirros')).toBe(before)
  })

  test.each([
    ['a name that is a name', define('beta', ['ubuntu']), 'ubuntu'],
    ['an alias that is an alias', define('beta', ['one', 'fedora-cloud']), 'fedora-cloud'],
    ['a name that is an alias', define('debian-cloud'), 'debian-cloud'],
  ])('refuses a provider with %s of another', (_, provider, taken) => {
    const before = imageProviders.list()
    const add = () => imageProviders.add(provider)
    expect(add).toThrowError(expect.objectContaining({ code: 'INVALID_PROVIDER' }))
    expect(add).toThrowError(`"${taken}" means `)
    expect(imageProviders.list()).toEqual(before)
  })

  test.each([[{ ...define('beta') }], [JSON.parse(JSON.stringify(define('beta')))], [undefined], ['beta']])(
    'refuses %j, which defineProvider() did not return',
    (provider) => {
      expect(() => imageProviders.add(provider)).toThrowError(TypeError)
      expect(() => imageProviders.add(provider)).toThrowError('Make it with defineProvider()')
    },
  )

  test('shares what was added with other copies of the package in this process', async () => {
    const added = define('shared')
    imageProviders.add(added)
    vi.resetModules()
    const copy = await import('../../src/providers/index.js')
    expect(copy.imageProviders).not.toBe(imageProviders)
    expect(copy.imageProviders.find('shared')).toBe(added)
  })

  test('proposes the nearest name for a misspelt one, and lists all', () => {
    expect(findMisspelt).toThrowError(expect.objectContaining({ code: 'UNKNOWN_SYSTEM' }))
    expect(findMisspelt).toThrowError(/Did you mean "fedora"\?\nKnown: .*cirros, debian, debian-cloud/)
  })

  test('proposes nothing for a name unlike all others', () => {
    expect(() => imageProviders.find('plan9-from-bell-labs')).toThrowError(
      /no provider has this name\.\nKnown/,
    )
  })
})
