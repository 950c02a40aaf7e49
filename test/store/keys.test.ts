import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { keyCache } from '../../src/store/keys.js'
import { cacheLayout, keyPath } from '../../src/store/layout.js'
import { tempDir } from '../support/temp-dir.js'

const fingerprint = '0123456789ABCDEF0123456789ABCDEF01234567'

test('find() gives what keep() kept', async () => {
  await using dir = await tempDir()
  const cache = keyCache(cacheLayout(dir.path))
  cache.keep(fingerprint, Buffer.from('key'))
  expect(cache.find(fingerprint)).toEqual(Buffer.from('key'))
})

test('find() gives undefined when nothing was kept', async () => {
  await using dir = await tempDir()
  expect(keyCache(cacheLayout(dir.path)).find(fingerprint)).toBeUndefined()
})

test('keep() replaces what was kept, and leaves one read-only file', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  const cache = keyCache(layout)
  cache.keep(fingerprint, Buffer.from('old'))
  cache.keep(fingerprint, Buffer.from('new'))
  expect(cache.find(fingerprint)).toEqual(Buffer.from('new'))
  expect(readdirSync(layout.keys)).toEqual([`${fingerprint}.key`])
  expect(statSync(keyPath(layout, fingerprint)).mode & 0o777).toBe(0o444)
})

test.each([
  ['a directory', (path: string) => mkdirSync(path, { recursive: true })],
  ['a link to itself', (path: string) => symlinkSync(path, path)],
])('find() gives undefined where the key is %s', async (_, put) => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  mkdirSync(layout.keys, { recursive: true })
  put(keyPath(layout, fingerprint))
  expect(keyCache(layout).find(fingerprint)).toBeUndefined()
})

test('find() gives undefined where the directory of keys is a file', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  mkdirSync(dirname(layout.keys), { recursive: true })
  writeFileSync(layout.keys, '')
  expect(keyCache(layout).find(fingerprint)).toBeUndefined()
})

test('keep() in a cache that cannot be written is no error', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  // A file where a directory should be stops root as well, whom no mode does.
  mkdirSync(dirname(layout.keys), { recursive: true })
  writeFileSync(layout.keys, '')
  keyCache(layout).keep(fingerprint, Buffer.from('key'))
  expect(statSync(layout.keys).size).toBe(0)
})

test('keep() where the key is a directory is no error, and leaves no draft', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  mkdirSync(keyPath(layout, fingerprint), { recursive: true })
  keyCache(layout).keep(fingerprint, Buffer.from('key'))
  expect(readdirSync(layout.keys)).toEqual([`${fingerprint}.key`])
})

test('keep() writes nothing through a link, nor where everybody can write', async () => {
  await using dir = await tempDir()
  const elsewhere = join(dir.path, 'elsewhere')
  const [linked, open] = [join(dir.path, 'linked'), join(dir.path, 'open')].map((directory) =>
    cacheLayout(directory),
  )
  if (!linked || !open) throw new TypeError('two layouts are made')
  for (const path of [elsewhere, linked.cacheDir, open.keys]) mkdirSync(path, { recursive: true })
  symlinkSync(elsewhere, linked.versionDir)
  chmodSync(open.keys, 0o777)
  for (const layout of [linked, open]) {
    expect(() => keyCache(layout).keep(fingerprint, Buffer.from('key'))).toThrow(
      expect.objectContaining({ code: 'CACHE_UNSAFE' }),
    )
  }
  expect([...readdirSync(elsewhere), ...readdirSync(open.keys)]).toEqual([])
})
