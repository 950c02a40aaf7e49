import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openIngest } from '../../src/store/ingest.js'
import { checkLayer, findInLayer } from '../../src/store/layer.js'
import { cacheLayout, imageDirectory, metaPath } from '../../src/store/layout.js'
import { ensureCache } from '../../src/store/root.js'
import { type NewImageMeta, publishImage, type StoredImage } from '../../src/store/store.js'
import { becomeNobody, isRoot, nobodyId, showToAll } from '../support/nobody.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'

const key = 'sha256-aa'
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
  source: { digest: 'sha256:aa', sizeBytes: 5 },
  content: { sha256: undefined, format: 'qcow2', virtualSizeBytes: 1024 },
  fetchedAt: '2026-11-22T00:00:00.000Z',
}

const notRoot = 'only root can make what belongs to somebody else'

function fill(directory: string): StoredImage {
  const layout = cacheLayout(directory)
  ensureCache(layout)
  const ingest = openIngest(layout, key)
  const disk = join(ingest.staging, 'disk')
  writeFileSync(disk, 'image')
  const stored = publishImage(layout, key, disk, meta, undefined)
  ingest.remove()
  return stored
}

const images = (dir: string) => cacheLayout(dir).images
const places = [
  ['a layer', (dir: string) => dir],
  ['the version of a layer', (dir: string) => cacheLayout(dir).versionDir],
  ['the images of a layer', images],
] as const

/** What a user who is not root is told of the layer `directory`. */
async function seenByNobody(directory: string): Promise<string> {
  await using worker = startWorker(`
    const { checkLayer, findInLayer } = await source('store/layer.ts')
    ${becomeNobody}
    try {
      checkLayer(${JSON.stringify(directory)})
      console.log('seen:', findInLayer(${JSON.stringify(directory)}, '${key}')?.key)
    } catch (error) {
      console.log('seen:', error.code, error.message.split('\\n')[0])
    }
  `)
  return await worker.line(/^seen:/)
}

describe('checkLayer()', () => {
  test("takes a cache of the user's own, an empty directory and Avocado's cache", async () => {
    await using dir = await tempDir()
    const [ours, empty, avocado] = ['ours', 'empty', 'avocado'].map((name) => join(dir.path, name))
    fill(String(ours))
    mkdirSync(String(empty))
    mkdirSync(join(String(avocado), 'by_location'), { recursive: true })
    for (const directory of [ours, empty, avocado]) checkLayer(String(directory))
  })

  test('takes a layer that is reached by a link', async () => {
    await using dir = await tempDir()
    fill(join(dir.path, 'layer'))
    symlinkSync(join(dir.path, 'layer'), join(dir.path, 'link'))
    checkLayer(join(dir.path, 'link'))
  })

  test.each([
    ['does not exist', 'ENOENT', () => {}],
    ['is a file', 'ENOTDIR', (path: string) => writeFileSync(path, '')],
    ['is a link to nowhere', 'ENOENT', (path: string) => symlinkSync('nowhere', path)],
  ])('refuses a layer that %s, for it was named by mistake', async (_, code, make) => {
    await using dir = await tempDir()
    const layer = join(dir.path, 'layer')
    make(layer)
    expect(() => checkLayer(layer)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringMatching(
          new RegExp(
            `^Cannot use "${layer}" of extraCacheDirs: ${code}; .*\n.*leave it out of extraCacheDirs`,
          ),
        ),
      }),
    )
  })

  test.each(places)('refuses %s that everybody can write', async (_, place) => {
    await using dir = await tempDir()
    fill(dir.path)
    for (const mode of [0o702, 0o777]) {
      chmodSync(place(dir.path), mode)
      expect(() => checkLayer(dir.path)).toThrow(
        expect.objectContaining({
          code: 'CACHE_UNSAFE',
          message: expect.stringMatching(/everybody can write[^]*\n.*leave it out of extraCacheDirs/),
        }),
      )
    }
    for (const mode of [0o555, 0o755, 0o775]) {
      chmodSync(place(dir.path), mode)
      checkLayer(dir.path)
    }
  })

  test('takes a layer of another user, as a team has one, when all in it is of that user', async ({
    skip,
  }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    fill(dir.path)
    const all = [...places.map(([, place]) => place(dir.path)), imageDirectory(cacheLayout(dir.path), key)]
    for (const directory of all) chownSync(directory, nobodyId, nobodyId)
    checkLayer(dir.path)
    expect(findInLayer(dir.path, key)?.key).toBe(key)
  })

  test.for(places.slice(1))('refuses %s that belongs to another user', async ([, place], { skip }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    fill(dir.path)
    chownSync(place(dir.path), nobodyId, nobodyId)
    expect(() => checkLayer(dir.path)).toThrow(
      expect.objectContaining({
        code: 'CACHE_UNSAFE',
        message: expect.stringMatching(/belongs to user 65534[^]*\n.*leave it out of extraCacheDirs/),
      }),
    )
  })

  test.each(places.slice(1))('refuses %s that is a link', async (_, place) => {
    await using dir = await tempDir()
    const layer = join(dir.path, 'layer')
    fill(layer)
    renameSync(place(layer), join(dir.path, 'elsewhere'))
    symlinkSync(join(dir.path, 'elsewhere'), place(layer))
    expect(() => checkLayer(layer)).toThrow(
      expect.objectContaining({ code: 'CACHE_UNSAFE', message: expect.stringContaining('symbolic link') }),
    )
  })

  test.for(places)('refuses %s that this user may not read', async ([, place], { skip }) => {
    skip(!isRoot, 'root can become a user who may not')
    await using dir = await tempDir()
    fill(dir.path)
    showToAll(dir.path)
    chmodSync(place(dir.path), 0o711)
    expect(await seenByNobody(dir.path)).toMatch(/^seen: INVALID_CONFIG .*EACCES/)
    chmodSync(place(dir.path), 0o744)
    expect(await seenByNobody(dir.path)).toMatch(/^seen: INVALID_CONFIG .*EACCES/)
  })
})

describe('findInLayer()', () => {
  test('finds an image of our own layout, with what is known of it', async () => {
    await using dir = await tempDir()
    const stored = fill(dir.path)
    expect(findInLayer(dir.path, key)).toEqual(stored)
  })

  test("finds root's image for another user", async ({ skip }) => {
    skip(!isRoot, 'root can become another user')
    await using dir = await tempDir()
    fill(dir.path)
    showToAll(dir.path)
    expect(await seenByNobody(dir.path)).toBe(`seen: ${key}`)
  })

  test('finds an image whose time an archive has cut to whole seconds', async () => {
    await using dir = await tempDir()
    const { path } = fill(dir.path)
    const seconds = Math.floor(statSync(path).mtimeMs / 1000)
    utimesSync(path, seconds, seconds)
    expect(findInLayer(dir.path, key)?.meta.content.mtimeNs).toBe(`${seconds}000000000`)
  })

  test('does not find what is not there', async () => {
    await using dir = await tempDir()
    fill(dir.path)
    expect(findInLayer(dir.path, 'sha256-bb')).toBeUndefined()
    expect(findInLayer(join(dir.path, 'none'), key)).toBeUndefined()
  })

  test.each([
    ['of another time', (path: string) => utimesSync(path, 0, 0)],
    [
      'of another size',
      (path: string) => {
        chmodSync(path, 0o644)
        writeFileSync(path, 'another image')
      },
    ],
  ])('does not find an image with a disk %s', async (_, change) => {
    await using dir = await tempDir()
    change(fill(dir.path).path)
    expect(findInLayer(dir.path, key)).toBeUndefined()
  })

  test.each(['disk', 'meta.json'])('does not find an image whose %s cannot be read', async (file) => {
    await using dir = await tempDir()
    const path = join(dirname(fill(dir.path).path), file)
    renameSync(path, `${path}.real`)
    symlinkSync(path, path) // ELOOP, for root too
    expect(findInLayer(dir.path, key)).toBeUndefined()
  })

  test.for([0o400, 0o000])('does not find a disk with mode %i of another user', async (mode, { skip }) => {
    skip(!isRoot, 'root can become a user who may not')
    await using dir = await tempDir()
    const { path } = fill(dir.path)
    showToAll(dir.path)
    chmodSync(path, mode)
    expect(await seenByNobody(dir.path)).toBe('seen: undefined')
  })

  test('does not find an image that another user put into a directory for all', async ({ skip }) => {
    skip(!isRoot, notRoot)
    await using dir = await tempDir()
    fill(dir.path)
    chmodSync(images(dir.path), 0o1777)
    chownSync(imageDirectory(cacheLayout(dir.path), key), nobodyId, nobodyId)
    expect(findInLayer(dir.path, key)).toBeUndefined()
  })

  test('does not find an image in a directory that everybody can write', async () => {
    await using dir = await tempDir()
    fill(dir.path)
    chmodSync(imageDirectory(cacheLayout(dir.path), key), 0o777)
    expect(findInLayer(dir.path, key)).toBeUndefined()
  })

  test('does not follow an image that is a link', async () => {
    await using dir = await tempDir()
    fill(dir.path)
    const directory = imageDirectory(cacheLayout(dir.path), key)
    renameSync(directory, join(dir.path, 'elsewhere'))
    symlinkSync(join(dir.path, 'elsewhere'), directory)
    expect(findInLayer(dir.path, key)).toBeUndefined()
  })

  test('does not find an image whose meta.json says nothing', async () => {
    await using dir = await tempDir()
    fill(dir.path)
    const path = metaPath(cacheLayout(dir.path), key)
    chmodSync(path, 0o644)
    writeFileSync(path, '{}')
    expect(findInLayer(dir.path, key)).toBeUndefined()
  })
})
