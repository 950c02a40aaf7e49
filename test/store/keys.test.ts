import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
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

test('keep() in a cache that cannot be written is no error', async () => {
  await using dir = await tempDir()
  const layout = cacheLayout(dir.path)
  // A file where a directory should be stops root as well, whom no mode does.
  mkdirSync(dirname(layout.keys), { recursive: true })
  writeFileSync(layout.keys, '')
  keyCache(layout).keep(fingerprint, Buffer.from('key'))
  expect(readdirSync(dirname(layout.keys))).toEqual(['keys'])
})
