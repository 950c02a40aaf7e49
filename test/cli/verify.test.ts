/** `vmimage verify`, as a user runs it on caches to which somebody did something. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { cacheLayout } from '../../src/store/layout.js'
import { takeLease } from '../../src/store/lease.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { becomeNobody, isRoot, showToAll } from '../support/nobody.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'
import { imageOf, rewriteMeta, rot, treeOf } from './cache-tree.js'
import { type CommandLine, openCommandLine } from './command.js'

let commandLine: CommandLine
let filled: TempDir

beforeAll(async () => {
  commandLine = await openCommandLine()
  filled = await tempDir()
  const { code } = await vmimage(filled.path, 'fetch', 'fedora', 'debian:13')
  expect(code).toBe(0)
})

afterAll(async () => {
  await commandLine[Symbol.asyncDispose]()
  await filled[Symbol.asyncDispose]()
})

const vmimage = (cacheDir: string, ...args: readonly string[]) => commandLine.run(cacheDir, ...args)

/** A cache of its own with Fedora and Debian. */
async function cacheOf(): Promise<TempDir> {
  const cache = await tempDir()
  execFileSync('cp', ['-a', `${filled.path}/.`, cache.path])
  return cache
}

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('vmimage verify', { timeout: 120_000 }, () => {
  test('reads every image, and says how much and how fast', async () => {
    await using cache = await cacheOf()
    const { code, stdout, stderr } = await vmimage(cache.path, 'verify')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\nok +Debian +13 +20260712-2537 +x86_64 +512 KiB +-\n/)
    expect(stdout).toMatch(/\nok +Fedora +44 +1\.7 +x86_64 +512 KiB +-\n/)
    expect(stderr).toMatch(/hashing Debian 13: 512 KiB of 512 KiB\n/)
    expect(stderr).toMatch(/\nread 1 MiB in [\d.]+ s \([\d.]+ \w+\/s\)\n$/)
  })

  test('fault 45, bit rot: what the time of writing does not show is found, moved away, and fetched anew', async () => {
    await using cache = await cacheOf()
    const fedora = imageOf(cache.path, 'Fedora')
    rot(fedora)
    const before = await vmimage(cache.path, 'fetch', 'fedora')
    expect(before).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout, stderr } = await vmimage(cache.path, 'verify')
    expect(code).toBe(5)
    expect(stdout).toMatch(
      /\nWRONG +Fedora +44 .* its sha256 is \w{64}, \w{64} wanted; moved to .*\/v1\/trash\//,
    )
    expect(stdout).toMatch(/\nok +Debian/)
    expect(stderr).toMatch(/\[DIGEST_MISMATCH\] Cannot trust 1 of 2 images: Fedora 44 .*\n.*smartctl/)
    expect(existsSync(fedora.path)).toBe(false)
    const moved = /moved to (\S+)/.exec(stdout)?.[1] ?? ''
    expect(existsSync(join(moved, 'disk'))).toBe(true)
    expect((await vmimage(cache.path, 'fetch', 'fedora')).code).toBe(0)
    expect((await vmimage(cache.path, 'verify')).code).toBe(0)
  })

  test('puts a time of writing right that a copy has cut, so that no run hashes the image again', async () => {
    await using cache = await cacheOf()
    const { path } = imageOf(cache.path, 'Fedora')
    utimesSync(path, 1000, 1000)
    const first = await vmimage(cache.path, 'verify')
    expect(first).toMatchObject({ code: 0 })
    expect(first.stdout).toMatch(/ok +Fedora .*its time of writing is another one: put right\n/)
    expect(imageOf(cache.path, 'Fedora').meta.content.mtimeNs).toBe('1000000000000')
    expect((await vmimage(cache.path, 'verify')).stdout).toMatch(/ok +Fedora .* -\n/)
  })

  test('makes an image read-only again', async () => {
    await using cache = await cacheOf()
    const { path } = imageOf(cache.path, 'Fedora')
    chmodSync(path, 0o664)
    expect((await vmimage(cache.path, 'verify')).stdout).toMatch(/ok +Fedora .*mode is 0664: put right\n/)
    expect(statSync(path).mode & 0o777).toBe(0o444)
  })

  test.each<[string, string, (cacheDir: string) => void]>([
    ['whose meta.json is cut off', 'meta.json is damaged', (cache) => spoilMeta(cache, '{ "name": "Fed')],
    [
      'whose meta.json is that of another one',
      'meta.json is of sha512:',
      (cache) =>
        spoilMeta(cache, readFileSync(join(dirname(imageOf(cache, 'Debian').path), 'meta.json'), 'utf8')),
    ],
    [
      'whose meta.json has a digest of the disk that is none',
      'meta.json has no digest',
      (cache) => spoilMeta(cache, JSON.stringify(withSha256(imageOf(cache, 'Fedora').meta, 'abc'))),
    ],
    [
      'without a meta.json',
      'meta.json is missing',
      (cache) => rmSync(join(dirname(imageOf(cache, 'Fedora').path), 'meta.json')),
    ],
    ['without a disk', 'the disk is missing', (cache) => rmSync(imageOf(cache, 'Fedora').path)],
    [
      'whose disk is a link',
      'no regular file',
      (cache) => {
        const { path } = imageOf(cache, 'Fedora')
        renameSync(path, `${cache}/elsewhere`)
        symlinkSync(`${cache}/elsewhere`, path)
      },
    ],
    [
      'that was cut off',
      '7 bytes, 524288 wanted',
      (cache) => {
        const { path } = imageOf(cache, 'Fedora')
        chmodSync(path, 0o644)
        writeFileSync(path, 'cut off')
      },
    ],
  ])('moves an image away %s', async (_, said, spoil) => {
    await using cache = await cacheOf()
    spoil(cache.path)
    const { code, stdout } = await vmimage(cache.path, 'verify')
    expect(code).toBe(5)
    expect(stdout).toMatch(new RegExp(`\\nWRONG .*${said}.*moved to `))
    expect(readdirSync(cacheLayout(cache.path).images)).toHaveLength(1)
    expect((await vmimage(cache.path, 'verify')).code).toBe(0)
  })

  test('a wrong image in use leaves the cache all the same, and who uses it is named and keeps its bytes', async () => {
    await using cache = await cacheOf()
    const fedora = imageOf(cache.path, 'Fedora')
    const context = makeContext({ cacheDir: cache.path, overlayDir: join(cache.path, 'overlays') }, {})
    await using run = await openRunDirectory(context)
    const lease = String(takeLease(cacheLayout(cache.path), run.leaseDir, fedora.key))
    rot(fedora)
    const { code, stdout } = await vmimage(cache.path, 'verify')
    expect(code).toBe(5)
    expect(stdout).toContain(`in use by process ${process.pid}, who keep these bytes`)
    expect(existsSync(fedora.path)).toBe(false)
    expect(statSync(lease).size).toBe(524_288)
  })

  test('fault 44, other versions: what has another form is neither judged nor touched', async () => {
    await using cache = await cacheOf()
    const { images } = cacheLayout(cache.path)
    rewriteMeta(cache.path, imageOf(cache.path, 'Fedora'), '{ "format": "of a later version" }')
    mkdirSync(join(images, 'notes'))
    mkdirSync(join(images, `blake3-${'0'.repeat(64)}`))
    const before = treeOf(images)
    const { code, stdout } = await vmimage(cache.path, 'verify')
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(treeOf(images)).toEqual(before)
  })

  test('reads only what is named', async () => {
    await using cache = await cacheOf()
    rot(imageOf(cache.path, 'Debian'))
    for (const name of ['fedora', 'fedora:44', 'fedora:>=40'])
      expect((await vmimage(cache.path, 'verify', name)).stdout).toMatch(/^STATE.*\nok +Fedora.*\n$/)
    expect((await vmimage(cache.path, 'verify', 'debian')).code).toBe(5)
  })

  test.each([
    ['a version that is not there', ['fedora:43'], 3, 'Cannot verify "fedora:43"'],
    ['a system that there is not', ['fedoar'], 2, 'Did you mean "fedora"?'],
  ])('refuses %s', async (_, names, code, said) => {
    await using cache = await cacheOf()
    const result = await vmimage(cache.path, 'verify', 'fedora', ...names)
    expect(result.code).toBe(code)
    expect(result.stderr).toContain(said)
  })

  test('--json has what the table has', async () => {
    await using cache = await cacheOf()
    rot(imageOf(cache.path, 'Fedora'))
    const { stdout } = await vmimage(cache.path, 'verify', '--json')
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({
        name: 'Fedora',
        verdict: 'wrong',
        movedTo: expect.stringContaining('/v1/trash/'),
        usedBy: [],
      }),
    )
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ name: 'Debian', verdict: 'right', notes: [] }),
    )
  })

  test('holds the images of layers against their digests too, and touches nothing there', async () => {
    await using layer = await cacheOf()
    await using cache = await tempDir()
    rot(imageOf(layer.path, 'Fedora'))
    chmodSync(imageOf(layer.path, 'Debian').path, 0o644)
    const before = treeOf(layer.path)
    const config = join(cache.path, 'vmimage.config.json')
    writeFileSync(config, JSON.stringify({ extraCacheDirs: [layer.path] }))
    const { code, stdout } = await vmimage(cache.path, '--config', config, 'verify')
    expect(code).toBe(5)
    expect(stdout).toMatch(new RegExp(`WRONG +Fedora .*in ${layer.path}; its sha256 is .*; left as it is`))
    expect(stdout).toMatch(/ok +Debian .*; its mode is 0644\n/)
    expect(treeOf(layer.path)).toEqual(before)
  })

  test('a layer that is not to be used is an error that says so', async () => {
    await using cache = await tempDir()
    const config = join(cache.path, 'vmimage.config.json')
    writeFileSync(config, JSON.stringify({ extraCacheDirs: ['not-there'] }))
    expect(await vmimage(cache.path, '--config', config, 'verify')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[INVALID_CONFIG]'),
    })
  })

  test('fault 37, a cache that cannot be written: it is verified, and nothing is moved', async ({ skip }) => {
    skip(!isRoot, 'root can become a user who may not write')
    await using cache = await cacheOf()
    rot(imageOf(cache.path, 'Fedora'))
    const debian = imageOf(cache.path, 'Debian')
    showToAll(cache.path)
    chmodSync(debian.path, 0o400)
    await using worker = startWorker(`
      const { makeContext } = await source('context.ts')
      const { verifyImages } = await source('image/verify-images.ts')
      const context = makeContext({ cacheDir: ${JSON.stringify(cache.path)} }, {})
      ${becomeNobody}
      for await (const { verdict, notes } of verifyImages(undefined, context)) console.log(verdict, notes.join('; '))
      console.log('end')`)
    await worker.line(/^end/)
    expect(worker.output()).toMatch(/^wrong its sha256 .*; it cannot be moved away: EACCES$/m)
    expect(worker.output()).toMatch(/^unread cannot be read: EACCES$/m)
  })
})

function spoilMeta(cacheDir: string, text: string): void {
  rewriteMeta(cacheDir, imageOf(cacheDir, 'Fedora'), text)
}

function withSha256<T extends { readonly content: object }>(meta: T, sha256: string) {
  return { ...meta, content: { ...meta.content, sha256 } }
}
