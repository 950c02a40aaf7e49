import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { createOverlay, isNoSpace, prepareOverlay } from '../../src/qcow2/create.js'
import { parseHeader } from '../../src/qcow2/header.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

const mib = 2 ** 20
const tib = 2 ** 40

function writeBase(path: string) {
  writeFileSync(path, smallQcow2('base', { virtualSizeBytes: mib, dataClusters: 1 }))
  return inspectImage(path)
}

/** The error that `action` throws. */
function errorOf(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown.')
}

describe('createOverlay()', () => {
  test('takes a base path of 1023 bytes, and none of 1024', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'overlay')
    const longest = longPath(dir.path, 1023)
    mkdirSync(dirname(longest), { recursive: true })
    createOverlay(path, writeBase(longest))
    expect(await qemuImg('compare', '-f', 'qcow2', '-F', 'qcow2', path, longest)).toContain('identical')
    const tooLong = { path: `${longest}x`, format: 'raw', virtualSizeBytes: mib } as const
    const other = join(dir.path, 'other')
    expect(errorOf(() => createOverlay(other, tooLong))).toMatchObject({
      code: 'PATH_TOO_LONG',
      message: expect.stringMatching(/the path has 1024 bytes, .*\nMove the base to a shorter path;/),
    })
    expect(existsSync(other)).toBe(false)
  })

  test('takes the size of the base when none is asked for, and rounds others up to sectors', async () => {
    await using dir = await tempDir()
    const base = writeBase(join(dir.path, 'base'))
    expect(createOverlay(join(dir.path, 'a'), base).virtualSizeBytes).toBe(mib)
    const { virtualSizeBytes } = createOverlay(join(dir.path, 'b'), base, { sizeBytes: mib + 1 })
    expect(virtualSizeBytes).toBe(mib + 512)
    expect(parseHeader(readFileSync(join(dir.path, 'b')))?.virtualSizeBytes).toBe(BigInt(mib + 512))
  })

  test('refuses a size below the base’s', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'overlay')
    const base = writeBase(join(dir.path, 'base'))
    expect(errorOf(() => createOverlay(path, base, { sizeBytes: mib - 1 }))).toMatchObject({
      code: 'SIZE_TOO_SMALL',
      message: expect.stringContaining('\nAsk for at least that size, or leave the size out.'),
    })
    expect(existsSync(path)).toBe(false)
  })

  test('refuses a size beyond the format’s, which is half of it with extended L2', async () => {
    await using dir = await tempDir()
    const base = writeBase(join(dir.path, 'base'))
    const create = (name: string, sizeBytes: number, extendedL2: boolean) =>
      createOverlay(join(dir.path, name), base, { sizeBytes, extendedL2 })
    create('a', 1024 * tib, true)
    create('b', 2048 * tib, false)
    expect(errorOf(() => create('c', 1024 * tib + 1, true))).toMatchObject({ code: 'INVALID_REQUEST' })
    expect(errorOf(() => create('d', 2048 * tib + 1, false))).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('\nAsk for a smaller size.'),
    })
    expect(await qemuImg('check', '-f', 'qcow2', join(dir.path, 'a'))).toContain('No errors were found')
    expect(readdirSync(dir.path).toSorted()).toEqual(['a', 'b', 'base'])
  })

  test.each([0, -512, 1.5, Number.NaN, Infinity, 2 ** 60])('takes no size of %d bytes', async (sizeBytes) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'overlay')
    const base = writeBase(join(dir.path, 'base'))
    expect(errorOf(() => createOverlay(path, base, { sizeBytes }))).toBeInstanceOf(TypeError)
    expect(existsSync(path)).toBe(false)
  })

  test.each(['base', './base', '', '/a\0b'])('takes no base path %j', async (basePath) => {
    await using dir = await tempDir()
    const base = { path: basePath, format: 'raw', virtualSizeBytes: mib } as const
    expect(errorOf(() => createOverlay(join(dir.path, 'overlay'), base))).toBeInstanceOf(TypeError)
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('never touches a file that is already there', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'overlay')
    writeFileSync(path, 'precious')
    const base = writeBase(join(dir.path, 'base'))
    expect(errorOf(() => createOverlay(path, base))).toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  test('writes a file for its owner only, of a few kilobytes on the disk', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'overlay')
    createOverlay(path, writeBase(join(dir.path, 'base')), { sizeBytes: 64 * tib })
    const { mode, size, blocks } = statSync(path)
    expect(mode & 0o777).toBe(0o600)
    expect(size).toBe(3 * 65_536 + (8 * 64 * tib) / (65_536 * 4096))
    expect(blocks * 512).toBeLessThanOrEqual(65_536)
  })

  test('names each overlay’s own base when bases take turns', async () => {
    await using dir = await tempDir()
    const [a, b] = [writeBase(join(dir.path, 'a')), writeBase(join(dir.path, 'b'))]
    const turns = [a, b, a, { ...a, format: 'raw' } as const]
    for (const [turn, base] of turns.entries()) {
      const path = join(dir.path, `overlay-${turn}`)
      createOverlay(path, base)
      const info: unknown = JSON.parse(await qemuImg('info', '-f', 'qcow2', '--output=json', path))
      expect(info).toMatchObject({ 'backing-filename': base.path, 'backing-filename-format': base.format })
    }
  })

  test.each([{}, { dense: true }, { extendedL2: false, sizeBytes: 10 * 2 ** 30 }])(
    'writes the same bytes when they were worked out before: %j',
    async (options) => {
      await using dir = await tempDir()
      const path = (name: string) => join(dir.path, name)
      const base = writeBase(path('base'))
      const create = prepareOverlay(base, options)
      expect(create(path('a'))).toEqual({ ...createOverlay(path('b'), base, options), path: path('a') })
      create(path('c'))
      for (const name of ['a', 'c'])
        expect(readFileSync(path(name)).equals(readFileSync(path('b')))).toBe(true)
      expect(errorOf(() => create(path('a')))).toMatchObject({ code: 'EEXIST' })
    },
  )

  test.each([{ dense: true }, { dense: false }])(
    'removes what it wrote when the disk has no more room %j',
    async (options) => {
      await using dir = await tempDir()
      const path = join(dir.path, 'overlay')
      const base = writeBase(join(dir.path, 'base'))
      expect(errorInChild(['prlimit', '--fsize=100000'], path, base, options)).toEqual({
        code: 'NO_SPACE',
        cause: 'EFBIG',
        message: expect.stringContaining('\nMake room, or set VMIMAGE_OVERLAY_DIR'),
      })
      expect(existsSync(path)).toBe(false)
    },
  )

  // A tmpfs of two inodes in a mount namespace of its own: the overlay cannot even be opened.
  test('says so when the disk has no room for a file of any size', async ({ skip }) => {
    skip(!canMount, 'this system lets nobody but root mount in a namespace (unshare -rm)')
    await using dir = await tempDir()
    const full = join(dir.path, 'full')
    mkdirSync(full)
    const script = 'mount -t tmpfs -o nr_inodes=2 tmpfs "$0" && touch "$0/last" && exec "$@"'
    const prefix = ['unshare', '-rm', 'sh', '-c', script, full]
    const base = writeBase(join(dir.path, 'base'))
    expect(errorInChild(prefix, join(full, 'overlay'), base)).toMatchObject({
      code: 'NO_SPACE',
      cause: 'ENOSPC',
    })
  })

  test.each([
    ['ENOSPC', true],
    ['EDQUOT', true],
    ['EFBIG', true],
    ['EEXIST', false],
    ['EIO', false],
  ])('takes %s for want of space: %s', (code, expected) => {
    expect(isNoSpace(Object.assign(new Error(code), { code }))).toBe(expected)
  })
})

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0

/** A path of exactly `bytes` bytes, mostly of characters that have two. */
function longPath(directory: string, bytes: number): string {
  let path = directory
  for (let missing = bytes - path.length; missing > 0; missing = bytes - Buffer.byteLength(path)) {
    const name = Math.min(missing - 1, 200)
    path = join(path, 'é'.repeat(Math.floor(name / 2)) + 'e'.repeat(name % 2))
  }
  return path
}

/** The error of creating an overlay in a process that `prefix` starts. */
function errorInChild(prefix: readonly string[], ...args: Parameters<typeof createOverlay>): unknown {
  const module = new URL('../../src/qcow2/create.ts', import.meta.url).href
  const script = `
    const { createOverlay } = await import(${JSON.stringify(module)})
    try {
      createOverlay(...${JSON.stringify(args)})
    } catch ({ code, message, cause }) {
      console.log(JSON.stringify({ code, message, cause: cause?.code }))
    }`
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', script]
  const [program = '', ...rest] = [...prefix, ...node]
  return JSON.parse(spawnSync(program, rest, { encoding: 'utf8' }).stdout)
}
