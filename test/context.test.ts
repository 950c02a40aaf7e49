import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { imagesFromEnvironment, makeContext } from '../src/context.js'

describe('makeContext()', () => {
  test('has defaults for everything', () => {
    const context = makeContext({}, {})
    expect(context).toMatchObject({
      cacheDir: join(homedir(), '.cache/vmimage'),
      offline: false,
      mirror: undefined,
      maxResolveAgeMs: 24 * 3_600_000,
      keep: 'on-failure',
      keepLast: 5,
      keepMaxBytes: 10 * 2 ** 30,
      onUnavailable: 'fail',
      frozen: undefined,
      isCi: false,
      collect: true,
      maxCacheBytes: 20 * 2 ** 30,
      maxCacheAgeMs: 30 * 86_400_000,
      shared: false,
    })
    expect(context.overlayDir).toMatch(new RegExp(`/vmimage-${userInfo().uid}$`))
    expect(Object.isFrozen(context)).toBe(true)
  })

  test('follows the XDG base directories', () => {
    expect(makeContext({}, { XDG_CACHE_HOME: '/x' }).cacheDir).toBe('/x/vmimage')
  })

  test('reads every variable', () => {
    const env = {
      VMIMAGE_CACHE_DIR: '/c',
      VMIMAGE_OVERLAY_DIR: '/o',
      VMIMAGE_OFFLINE: '1',
      VMIMAGE_MIRROR: 'http://mirror.example/prefix/',
      VMIMAGE_MAX_RESOLVE_AGE: '0.5',
      VMIMAGE_KEEP: 'always',
      VMIMAGE_KEEP_LAST: '2',
      VMIMAGE_KEEP_MAX_SIZE: '1G',
      VMIMAGE_ON_UNAVAILABLE: 'skip',
      VMIMAGE_PIN_FILE: '/p.json',
      VMIMAGE_FROZEN: '0',
      CI: 'true',
      VMIMAGE_COLLECT: 'false',
      VMIMAGE_MAX_CACHE_SIZE: '512M',
      VMIMAGE_MAX_CACHE_AGE: '2',
      VMIMAGE_SHARED: '1',
    }
    expect(makeContext({}, env)).toMatchObject({
      cacheDir: '/c',
      overlayDir: '/o',
      offline: true,
      mirror: 'http://mirror.example/prefix',
      maxResolveAgeMs: 1_800_000,
      keep: 'always',
      keepLast: 2,
      keepMaxBytes: 2 ** 30,
      onUnavailable: 'skip',
      pinFile: '/p.json',
      frozen: false,
      isCi: true,
      collect: false,
      maxCacheBytes: 512 * 2 ** 20,
      maxCacheAgeMs: 2 * 86_400_000,
      shared: true,
    })
  })

  test('an option wins over its variable', () => {
    const env = {
      VMIMAGE_CACHE_DIR: '/c',
      VMIMAGE_OFFLINE: '1',
      VMIMAGE_KEEP: 'always',
      VMIMAGE_KEEP_LAST: '2',
    }
    const options = {
      cacheDir: '/option',
      offline: false,
      keep: 'never',
      keepLast: 9,
      arch: 'arm64',
    } as const
    expect(makeContext(options, env)).toMatchObject({ ...options, arch: 'aarch64' })
  })

  test('an empty variable is as good as none', () => {
    const empty = {
      VMIMAGE_CACHE_DIR: '',
      VMIMAGE_OFFLINE: '',
      VMIMAGE_MIRROR: '',
      VMIMAGE_KEEP: '',
      VMIMAGE_KEEP_LAST: '',
    }
    expect(makeContext({}, empty)).toMatchObject({
      offline: false,
      mirror: undefined,
      keep: 'on-failure',
      keepLast: 5,
    })
  })

  test.each([
    [{ VMIMAGE_OFFLINE: 'maybe' }, 'VMIMAGE_OFFLINE="maybe"'],
    [{ VMIMAGE_MIRROR: 'mirror.example' }, 'VMIMAGE_MIRROR="mirror.example"'],
    [{ VMIMAGE_MIRROR: 'ftp://mirror.example' }, 'VMIMAGE_MIRROR="ftp://mirror.example"'],
    [{ VMIMAGE_MAX_CACHE_SIZE: '20GB' }, 'VMIMAGE_MAX_CACHE_SIZE="20GB"'],
    [{ VMIMAGE_COLLECT: 'daily' }, 'VMIMAGE_COLLECT="daily"'],
    [{ VMIMAGE_KEEP: 'sometimes' }, 'VMIMAGE_KEEP="sometimes"'],
    [{ VMIMAGE_KEEP_LAST: '-1' }, 'VMIMAGE_KEEP_LAST="-1"'],
    [{ VMIMAGE_KEEP_MAX_SIZE: 'much' }, 'VMIMAGE_KEEP_MAX_SIZE="much"'],
    [{ VMIMAGE_ON_UNAVAILABLE: 'ignore' }, 'VMIMAGE_ON_UNAVAILABLE="ignore"'],
    [{ VMIMAGE_MAX_RESOLVE_AGE: 'long' }, 'VMIMAGE_MAX_RESOLVE_AGE="long"'],
  ])('refuses %o and says what is expected', (env, named) => {
    expect(() => makeContext({}, env)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
    expect(() => makeContext({}, env)).toThrow(named)
  })

  test('refuses an architecture that is none', () => {
    expect(() => makeContext({ arch: 'vax' }, {})).toThrow(expect.objectContaining({ code: 'UNKNOWN_ARCH' }))
  })

  test('imagesFromEnvironment() reads a list with commas or blanks', () => {
    expect(imagesFromEnvironment({ VMIMAGE_IMAGES: 'fedora, debian:13  ubuntu' })).toEqual([
      'fedora',
      'debian:13',
      'ubuntu',
    ])
    expect(imagesFromEnvironment({})).toEqual([])
  })
})
