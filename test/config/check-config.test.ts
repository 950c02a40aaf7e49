import { describe, expect, test } from 'vitest'
import { checkConfig } from '../../src/config/check-config.js'

const file = '/project/vmimage.config.json'

describe('checkConfig()', () => {
  test('takes every key', () => {
    const config = {
      images: ['fedora', { name: 'debian', variant: 'generic' }],
      strict: true,
      providers: [{ name: 'acme' }],
      cacheDir: 'cache',
      overlayDir: '/overlays',
      extraCacheDirs: ['../other'],
      offline: false,
      arch: 'amd64',
      mirror: 'http://mirror.example/prefix',
      maxResolveAgeHours: 0.5,
      keep: 'never',
      keepLast: 0,
      pinFile: 'vmimage.lock.json',
      frozen: false,
      collect: false,
      maxCacheSize: '20G',
      maxCacheAgeDays: 7,
      shared: true,
      minimumTrust: 'signed',
    }
    expect(checkConfig(config, file)).toEqual(config)
  })

  test('takes a key without a value for one that is left out', () => {
    expect(checkConfig({ mirror: undefined }, file)).toEqual({ mirror: undefined })
  })

  test.each([
    ['imags', 'no key "imags", but "images".'],
    ['cacheDirs', 'no key "cacheDirs", but "cacheDir".'],
    ['timeout', 'no key "timeout".'],
    ['__proto__', 'no key "__proto__".'],
  ])('refuses the key %s, with the one that it may be', (key, said) => {
    const config: unknown = JSON.parse(`{ "${key}": 1 }`)
    expect(() => checkConfig(config, file)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
    expect(() => checkConfig(config, file)).toThrow(`"${file}": there is ${said}\nKnown: images, strict, `)
  })

  test.each([
    [{ images: 'fedora' }, 'images is "fedora"'],
    [{ images: [1] }, 'images is [ 1 ]'],
    [{ images: [''] }, "images is [ '' ]"],
    [{ strict: 'yes' }, 'strict is "yes"'],
    [{ providers: { name: 'acme' } }, "providers is { name: 'acme' }"],
    [{ providers: ['acme'] }, "providers is [ 'acme' ]"],
    [{ cacheDir: '' }, 'cacheDir is ""'],
    [{ overlayDir: 1 }, 'overlayDir is 1'],
    [{ extraCacheDirs: '/other' }, 'extraCacheDirs is "/other"'],
    [{ offline: 1 }, 'offline is 1'],
    [{ arch: 'vax' }, 'arch is "vax"'],
    [{ mirror: 'mirror.example' }, 'mirror is "mirror.example"'],
    [{ mirror: 'ftp://mirror.example' }, 'mirror is "ftp://mirror.example"'],
    [{ maxResolveAgeHours: '24' }, 'maxResolveAgeHours is "24"'],
    [{ keep: 'sometimes' }, 'keep is "sometimes"'],
    [{ keepLast: -1 }, 'keepLast is -1'],
    [{ keepLast: null }, 'keepLast is null'],
    [{ minimumTrust: 'some' }, 'minimumTrust is "some"'],
    [['fedora'], "it gives [ 'fedora' ]"],
    ['fedora', 'it gives "fedora"'],
    [undefined, 'it gives undefined'],
  ])('refuses %o', (config, said) => {
    expect(() => checkConfig(config, file)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
    expect(() => checkConfig(config, file)).toThrow(
      `Cannot use the configuration "${file}": ${said}, expected `,
    )
  })
})
