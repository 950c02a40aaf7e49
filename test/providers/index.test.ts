import { describe, expect, test, vi } from 'vitest'
import { defineProvider, imageProviders } from '../../src/providers/index.js'

function define(name: string, aliases: readonly string[] = []) {
  return defineProvider({
    name,
    aliases,
    versionsUrl: 'https://images.example.org/',
    imagesUrl: 'https://images.example.org/{version}/',
    imagePattern: 'disk-{version}.qcow2',
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

  test('puts a name before an alias', () => {
    imageProviders.add(define('alpha', ['ubuntu']))
    expect(imageProviders.find('ubuntu').name).toBe('ubuntu')
  })

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
