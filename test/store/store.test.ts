import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openIngest } from '../../src/store/ingest.js'
import { type CacheLayout, cacheLayout, diskPath, leasePath } from '../../src/store/layout.js'
import { dropLease, takeLease } from '../../src/store/lease.js'
import { ensureCache } from '../../src/store/root.js'
import { isUnchanged, stampOf } from '../../src/store/stamp.js'
import {
  discardIfStill,
  discardImage,
  findImage,
  listImages,
  type NewImageMeta,
  publishImage,
} from '../../src/store/store.js'
import { tempDir } from '../support/temp-dir.js'

const meta: NewImageMeta = {
  name: 'Fedora',
  version: '44',
  build: '1.7',
  arch: 'x86_64',
  variant: undefined,
  fileName: 'Fedora.qcow2',
  url: 'https://example.org/Fedora.qcow2',
  trust: 'checksum',
  signedBy: undefined,
  source: { digest: 'sha256:00', sizeBytes: 5 },
  content: { sha256: undefined, format: 'qcow2', virtualSizeBytes: 1024 },
  fetchedAt: '2026-11-22T00:00:00.000Z',
}

function makeLayout(cacheDir: string): CacheLayout {
  const layout = cacheLayout(cacheDir)
  ensureCache(layout)
  return layout
}

function publish(layout: CacheLayout, key = 'sha256-aa', bytes = 'image', leaseDir?: string) {
  const ingest = openIngest(layout, key)
  const disk = join(ingest.staging, 'disk')
  writeFileSync(disk, bytes)
  const stored = publishImage(layout, key, disk, meta, leaseDir)
  ingest.remove()
  return stored
}

describe('store', () => {
  test('publishImage() makes a read-only image that findImage() and listImages() know', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const stored = publish(layout)
    expect(statSync(stored.path).mode & 0o777).toBe(0o444)
    expect(findImage(layout, 'sha256-aa')?.meta).toEqual({ ...stored.meta, build: '1.7' })
    expect(listImages(layout).map((image) => image.key)).toEqual(['sha256-aa'])
    expect(readdirSync(join(layout.ingest, 'sha256-aa'))).toEqual([])
  })

  test('ensureCache() opens the images of a private cache to its group when the cache becomes shared', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const directory = dirname(publish(layout).path)
    chmodSync(directory, 0o700)
    writeFileSync(join(layout.images, 'a-file'), '', { mode: 0o600 })
    ensureCache(layout)
    expect(statSync(directory).mode & 0o7777).toBe(0o700)
    ensureCache(cacheLayout(dir.path, true))
    expect(statSync(directory).mode & 0o7777).toBe(0o2775)
    expect(statSync(join(layout.images, 'a-file')).mode & 0o777).toBe(0o600)
  })

  test('publishImage() takes back an image whose disk was removed under it, and says so', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const { staging } = openIngest(layout, 'sha256-aa')
    // As if "disk" had been removed between the look and the rename.
    writeFileSync(join(staging, 'other'), 'image')
    expect(() => publishImage(layout, 'sha256-aa', join(staging, 'other'), meta, undefined)).toThrow('ENOENT')
    expect(readdirSync(layout.images)).toEqual([])
  })

  test('publishImage() leaves the image of a faster process as it is', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const first = statSync(publish(layout).path).ino
    publish(layout)
    expect(statSync(diskPath(layout, 'sha256-aa')).ino).toBe(first)
  })

  test('listImages() leaves out an image that somebody wrote to', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const stored = publish(layout)
    expect(isUnchanged(stored.path, stored.meta.content)).toBe(true)
    chmodSync(stored.path, 0o644)
    writeFileSync(stored.path, 'IMAGE')
    expect(isUnchanged(stored.path, stored.meta.content)).toBe(false)
    expect(listImages(layout)).toEqual([])
  })

  test.each(['disk', 'meta.json'])(
    'publishImage() replaces the ruin of an image that has lost its %s',
    async (file) => {
      await using dir = await tempDir()
      const layout = makeLayout(dir.path)
      publish(layout)
      rmSync(join(layout.images, 'sha256-aa', file))
      expect(listImages(layout)).toEqual([])
      publish(layout)
      expect(listImages(layout).map(({ key }) => key)).toEqual(['sha256-aa'])
    },
  )

  test.each(['{}', 'null', '{ "name": 5 }', 'not JSON'])(
    'listImages() passes over meta.json with %s',
    async (text) => {
      await using dir = await tempDir()
      const layout = makeLayout(dir.path)
      publish(layout)
      rmSync(join(layout.images, 'sha256-aa/meta.json'))
      writeFileSync(join(layout.images, 'sha256-aa/meta.json'), text)
      expect(listImages(layout)).toEqual([])
    },
  )

  test('fault 44, something unknown lies among the images: it is passed over and left alone', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    mkdirSync(join(layout.images, 'from-the-future'))
    writeFileSync(join(layout.images, 'a-file'), '')
    expect(listImages(layout)).toEqual([])
    expect(readdirSync(layout.images)).toHaveLength(2)
  })

  test('fault 5, 43, an image is taken out of use while it is leased: the lease keeps its bytes reachable', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const leaseDir = join(layout.runs, 'me')
    mkdirSync(leaseDir)
    publish(layout)
    const lease = takeLease(layout, leaseDir, 'sha256-aa')
    discardImage(layout, 'sha256-aa')
    expect(lease).toBe(leasePath(leaseDir, 'sha256-aa'))
    expect(readFileSync(String(lease), 'utf8')).toBe('image')
    expect(findImage(layout, 'sha256-aa')).toBeUndefined()
    expect(readdirSync(layout.trash)).toEqual([])
  })

  test('discardIfStill() takes the file that was looked at, and leaves another one that came in its place', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const looked = stampOf(publish(layout).path)
    discardImage(layout, 'sha256-aa')
    const { ino } = statSync(publish(layout, 'sha256-aa', 'newer').path)
    expect(discardIfStill(layout, 'sha256-aa', looked)).toBe(false)
    expect(discardIfStill(layout, 'sha256-aa', undefined)).toBe(false)
    expect(statSync(diskPath(layout, 'sha256-aa')).ino).toBe(ino)
    expect(discardIfStill(layout, 'sha256-aa', stampOf(diskPath(layout, 'sha256-aa')))).toBe(true)
    expect(discardIfStill(layout, 'sha256-aa', looked)).toBe(true)
    expect([readdirSync(layout.images), readdirSync(layout.trash)]).toEqual([[], []])
  })

  test('discardIfStill() takes the ruin of an image that has lost its disk', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    rmSync(publish(layout).path)
    expect(discardIfStill(layout, 'sha256-aa', undefined)).toBe(true)
    expect(readdirSync(layout.images)).toEqual([])
  })

  test('fault 43, an image is taken out of use the moment it is published: its publisher has the lease already', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const leaseDir = join(layout.runs, 'me')
    mkdirSync(leaseDir)
    const { path } = publish(layout, 'sha256-aa', 'image', leaseDir)
    expect(statSync(path).nlink).toBe(2)
  })

  test('takeLease() is the check that the image is there', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const leaseDir = join(layout.runs, 'me')
    mkdirSync(leaseDir)
    expect(takeLease(layout, leaseDir, 'sha256-aa')).toBeUndefined()
    publish(layout)
    const lease = takeLease(layout, leaseDir, 'sha256-aa')
    expect(takeLease(layout, leaseDir, 'sha256-aa')).toBe(lease)
    dropLease(leaseDir, 'sha256-aa')
    dropLease(leaseDir, 'sha256-aa')
    expect(statSync(diskPath(layout, 'sha256-aa')).nlink).toBe(1)
  })

  test('takeLease() without a lease directory answers with the cached file', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    expect(takeLease(layout, undefined, 'sha256-aa')).toBeUndefined()
    expect(takeLease(layout, undefined, 'sha256-aa')).toBeUndefined()
    const { path } = publish(layout)
    expect(takeLease(layout, undefined, 'sha256-aa')).toBe(path)
  })
})
