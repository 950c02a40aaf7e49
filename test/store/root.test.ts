import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cacheLayout, keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { ensureCache, ensureOverlayDirectories } from '../../src/store/root.js'
import { isRoot, nobodyId } from '../support/nobody.js'
import { tempDir } from '../support/temp-dir.js'

const notRoot = 'only root can make a directory that belongs to somebody else'

const cacheEntries = [
  ['a cache', (dir: string) => dir],
  ['a version of a cache', (dir: string) => cacheLayout(dir).versionDir],
  ['a directory of images', (dir: string) => cacheLayout(dir).images],
  ['a directory of locks', (dir: string) => cacheLayout(dir).locks],
] as const
const overlayEntries = [
  ['an overlay directory', (dir: string) => dir],
  ['a directory of runs', overlayRuns],
  ['a directory of kept overlays', keptDirectory],
] as const

describe('ensureCache()', () => {
  test('makes private directories, also twice, and marks the cache for backup programs', async () => {
    await using dir = await tempDir()
    const layout = cacheLayout(join(dir.path, 'a', 'cache'))
    ensureCache(layout)
    ensureCache(layout)
    expect(readdirSync(layout.cacheDir).toSorted()).toEqual(['CACHEDIR.TAG', 'v1'])
    expect(statSync(layout.images).mode & 0o777).toBe(0o700)
  })

  test('asks nothing of the directory around the cache', async () => {
    await using dir = await tempDir()
    chmodSync(dir.path, 0o777)
    ensureCache(cacheLayout(join(dir.path, 'cache')))
    expect(existsSync(join(dir.path, 'cache', 'v1'))).toBe(true)
  })

  test('follows a link that the user made of the cache directory', async () => {
    await using dir = await tempDir()
    mkdirSync(join(dir.path, 'elsewhere'), { mode: 0o755 })
    symlinkSync(join(dir.path, 'elsewhere'), join(dir.path, 'cache'))
    ensureCache(cacheLayout(join(dir.path, 'cache')))
    expect(existsSync(join(dir.path, 'elsewhere', 'v1'))).toBe(true)
  })

  test('fault 41, a directory of the cache is a symbolic link: it is refused', async () => {
    await using dir = await tempDir()
    const layout = cacheLayout(dir.path)
    mkdirSync(join(dir.path, 'elsewhere'))
    symlinkSync(join(dir.path, 'elsewhere'), layout.versionDir)
    expect(() => ensureCache(layout)).toThrow(expect.objectContaining({ code: 'CACHE_UNSAFE' }))
  })

  test.for(cacheEntries)(
    'fault 41, a directory of the cache belongs to somebody else: it is refused, for root too, and the error says what to run (%s)',
    async ([, entry], { skip }) => {
      skip(!isRoot, notRoot)
      await using dir = await tempDir()
      ensureCache(cacheLayout(dir.path))
      chownSync(entry(dir.path), nobodyId, nobodyId)
      expect(() => ensureCache(cacheLayout(dir.path))).toThrow(
        expect.objectContaining({
          code: 'CACHE_UNSAFE',
          message: expect.stringMatching(/belongs to user 65534, [^]*\n.*chown -R 0 [^]*VMIMAGE_CACHE_DIR/),
        }),
      )
    },
  )

  test.each(cacheEntries)(
    'fault 41, everybody can write a directory of the cache: it is refused, and the error says what to run (%s)',
    async (_, entry) => {
      await using dir = await tempDir()
      ensureCache(cacheLayout(dir.path))
      for (const mode of [0o702, 0o777]) {
        chmodSync(entry(dir.path), mode)
        expect(() => ensureCache(cacheLayout(dir.path))).toThrow(
          expect.objectContaining({
            code: 'CACHE_UNSAFE',
            message: expect.stringContaining('Run: chmod o-w'),
          }),
        )
      }
      for (const mode of [0o755, 0o775, 0o1777]) {
        chmodSync(entry(dir.path), mode)
        ensureCache(cacheLayout(dir.path))
      }
    },
  )

  test('says which directory cannot be made', async () => {
    await using dir = await tempDir()
    writeFileSync(join(dir.path, 'cache'), 'a file')
    expect(() => ensureCache(cacheLayout(join(dir.path, 'cache')))).toThrow(
      expect.objectContaining({
        code: 'CACHE_UNWRITABLE',
        message: expect.stringContaining('VMIMAGE_CACHE_DIR'),
      }),
    )
  })
})

describe('ensureOverlayDirectories()', () => {
  test.each(overlayEntries)('refuses %s that is a link', async (_, entry) => {
    await using dir = await tempDir()
    const overlays = join(dir.path, 'overlays')
    ensureOverlayDirectories(overlays)
    renameSync(entry(overlays), join(dir.path, 'elsewhere'))
    symlinkSync(join(dir.path, 'elsewhere'), entry(overlays))
    expect(() => ensureOverlayDirectories(overlays)).toThrow(
      expect.objectContaining({ code: 'CACHE_UNSAFE', message: expect.stringContaining('symbolic link') }),
    )
  })

  test.for(overlayEntries)('refuses %s that belongs to another user', async ([, entry], { skip }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    ensureOverlayDirectories(dir.path)
    chownSync(entry(dir.path), nobodyId, nobodyId)
    expect(() => ensureOverlayDirectories(dir.path)).toThrow(
      expect.objectContaining({ code: 'CACHE_UNSAFE' }),
    )
  })

  test.each(overlayEntries)('refuses %s that everybody can write', async (_, entry) => {
    await using dir = await tempDir()
    ensureOverlayDirectories(dir.path)
    chmodSync(entry(dir.path), 0o707)
    expect(() => ensureOverlayDirectories(dir.path)).toThrow(
      expect.objectContaining({ code: 'CACHE_UNSAFE' }),
    )
  })
})
