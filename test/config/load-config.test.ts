import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.js'
import { makeContext, overFile } from '../../src/context.js'
import { isProvider } from '../../src/providers/index.js'
import { errorOf } from '../support/error-of.js'
import { acme } from '../support/publisher.js'
import { tempDir } from '../support/temp-dir.js'

const definition = {
  name: 'acme',
  versionsUrl: 'https://acme.example.org/',
  imagesUrl: 'https://acme.example.org/{version}/',
  imagePattern: 'acme-{version}.{arch}.qcow2',
}

async function projectWith(name: string, content: string) {
  const directory = await tempDir()
  writeFileSync(join(directory.path, name), content)
  return directory
}

describe('loadConfig()', () => {
  test.each([
    ['vmimage.config.json', '{ "images": ["fedora"], "strict": true, "keepLast": 2 }'],
    ['vmimage.config.mjs', 'export default { images: ["fedora"], strict: true, keepLast: 2 }'],
    ['vmimage.config.js', 'module.exports = { images: ["fedora"], strict: true, keepLast: 2 }'],
    ['package.json', '{ "vmimage": { "images": ["fedora"], "strict": true, "keepLast": 2 } }'],
  ])('reads %s', async (name, content) => {
    await using project = await projectWith(name, content)
    expect(await loadConfig(project.path)).toEqual({
      file: join(project.path, name),
      images: ['fedora'],
      isAuto: false,
      strict: true,
      providers: [],
      options: { keepLast: 2 },
    })
  })

  test('tells a file that wants what tests name from one that says nothing of images', async () => {
    await using project = await projectWith('vmimage.config.json', '{ "images": "auto" }')
    await using silent = await projectWith('vmimage.config.json', '{}')
    expect(await loadConfig(project.path)).toMatchObject({ images: [], isAuto: true })
    expect(await loadConfig(silent.path)).toMatchObject({ images: [], isAuto: undefined })
  })

  test('is empty where there is no file', async () => {
    await using directory = await tempDir()
    expect(await loadConfig(directory.path)).toEqual({ images: [], providers: [], options: {} })
  })

  test('takes the file that is named, whatever is nearer', async () => {
    await using project = await projectWith('vmimage.config.json', '{}')
    const named = join(project.path, 'ci.json')
    writeFileSync(named, '{ "offline": true }')
    expect(await loadConfig(project.path, named)).toMatchObject({ file: named, options: { offline: true } })
  })

  test('takes directories from where the file is', async () => {
    const config =
      '{ "cacheDir": "cache", "overlayDir": "/overlays", "extraCacheDirs": ["../other", "/other"] }'
    await using project = await tempDir()
    const root = join(project.path, 'root')
    mkdirSync(join(root, 'packages/a'), { recursive: true })
    writeFileSync(join(root, 'vmimage.config.json'), config)
    expect((await loadConfig(join(root, 'packages/a'))).options).toEqual({
      cacheDir: join(root, 'cache'),
      overlayDir: '/overlays',
      extraCacheDirs: [join(project.path, 'other'), '/other'],
    })
  })

  test('makes providers of definitions, which JSON can hold', async () => {
    await using project = await projectWith(
      'vmimage.config.json',
      JSON.stringify({ providers: [definition] }),
    )
    const { providers } = await loadConfig(project.path)
    expect(providers).toEqual([acme])
    expect(providers.every(isProvider)).toBe(true)
  })

  test('says which provider of which file is wrong', async () => {
    const providers = [definition, { ...definition, imagesUrl: 'acme' }]
    await using project = await projectWith('vmimage.config.json', JSON.stringify({ providers }))
    const error = await errorOf(loadConfig(project.path))
    expect(error.code).toBe('INVALID_PROVIDER')
    expect(error.message).toContain(`providers[1] of "${join(project.path, 'vmimage.config.json')}"`)
    expect(error.message).toContain('imagesUrl is "acme"')
  })

  test.each([
    ['vmimage.config.json', '{ images: [] }', 'JSON'],
    ['vmimage.config.json', '{ "imags": [] }', 'no key "imags", but "images"'],
    ['package.json', '{ "vmimage": { "keep": "all" } }', 'keep is "all"'],
    ['vmimage.config.mjs', 'export const images = []', 'export default'],
    ['vmimage.config.mjs', 'throw new Error("out of order")', 'out of order'],
    ['vmimage.config.mjs', 'import "./missing.mjs"', 'missing.mjs'],
  ])('refuses %s with %s', async (name, content, said) => {
    await using project = await projectWith(name, content)
    const error = await errorOf(loadConfig(project.path))
    expect(error.code).toBe('INVALID_CONFIG')
    expect(error.message).toContain(`"${join(project.path, name)}"`)
    expect(error.message).toContain(said)
  })

  test('refuses a named file that does not exist', async () => {
    await using project = await projectWith('vmimage.config.json', '{}')
    const error = await errorOf(loadConfig(project.path, join(project.path, 'ci.mjs')))
    expect(error).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/ci\.mjs": the file does not exist[^]*VMIMAGE_CONFIG/),
    })
  })
})

describe('what a file says', () => {
  const file = {
    cacheDir: '/file/cache',
    overlayDir: '/file/overlays',
    extraCacheDirs: ['/file/extra'],
    offline: true,
    arch: 's390x',
    mirror: 'http://file.example',
    maxResolveAgeHours: 1,
    keep: 'never',
    keepLast: 1,
    minimumTrust: 'signed',
  } as const
  const env = {
    VMIMAGE_CACHE_DIR: '/env/cache',
    VMIMAGE_OVERLAY_DIR: '/env/overlays',
    VMIMAGE_EXTRA_CACHE_DIRS: '/env/extra:/env/more',
    VMIMAGE_OFFLINE: '0',
    VMIMAGE_MIRROR: 'http://env.example',
    VMIMAGE_MAX_RESOLVE_AGE: '2',
    VMIMAGE_KEEP: 'always',
    VMIMAGE_KEEP_LAST: '2',
    VMIMAGE_MINIMUM_TRUST: 'pinned',
  }
  const { maxResolveAgeHours: _, ...inContext } = file

  test('stands above the defaults', () => {
    expect(makeContext({}, {}, file)).toMatchObject({ ...inContext, maxResolveAgeMs: 3_600_000 })
  })

  test('stands above variables that are empty, and $XDG_CACHE_HOME', () => {
    const empty = Object.fromEntries(Object.keys(env).map((name) => [name, '']))
    const context = makeContext({}, { ...empty, XDG_CACHE_HOME: '/xdg' }, file)
    expect(context).toMatchObject({ ...inContext, maxResolveAgeMs: 3_600_000 })
  })

  test('stands below every variable', () => {
    expect(makeContext({}, env, file)).toMatchObject({
      cacheDir: '/env/cache',
      overlayDir: '/env/overlays',
      extraCacheDirs: ['/env/extra', '/env/more'],
      offline: false,
      arch: 's390x',
      mirror: 'http://env.example',
      maxResolveAgeMs: 7_200_000,
      keep: 'always',
      keepLast: 2,
      minimumTrust: 'pinned',
    })
  })

  test('stands below every option', () => {
    const options = {
      ...inContext,
      offline: false,
      arch: 'aarch64',
      keepLast: 9,
      mirror: 'http://option.example',
    }
    const context = makeContext({ ...options, maxResolveAgeHours: 3 }, env, file)
    expect(context).toMatchObject({ ...options, maxResolveAgeMs: 10_800_000 })
  })

  test('counts where an option is undefined', () => {
    expect(makeContext({ keep: undefined, arch: undefined }, {}, file)).toMatchObject({
      keep: 'never',
      arch: 's390x',
    })
  })

  test('can be put under options beforehand', () => {
    expect(overFile({ keepLast: 9 }, file, { VMIMAGE_KEEP: 'always' })).toEqual({
      ...file,
      keep: undefined,
      keepLast: 9,
    })
  })
})

describe('extraCacheDirs', () => {
  test('is empty by default, and absolute', () => {
    expect(makeContext({}, {}).extraCacheDirs).toEqual([])
    expect(makeContext({ extraCacheDirs: ['other'] }, {}).extraCacheDirs).toEqual([
      join(process.cwd(), 'other'),
    ])
    expect(makeContext({}, { VMIMAGE_EXTRA_CACHE_DIRS: '/a::/b:' }).extraCacheDirs).toEqual(['/a', '/b'])
  })

  test('refuses an empty path', () => {
    expect(() => makeContext({ extraCacheDirs: [''] }, {})).toThrow('extraCacheDirs=""')
  })
})
