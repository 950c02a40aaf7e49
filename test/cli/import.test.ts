/** `vmimage import`: a file of the user's own, and what it answers afterwards. Nothing here may ask the network. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { openVmImage } from '../../src/image/open.js'
import { packageVersion } from '../../src/package-version.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import { cacheLayout, imageDirectory } from '../../src/store/layout.js'
import { withBackingFile } from '../image/with-backing-file.js'
import { tempDir } from '../support/temp-dir.js'
import { treeOf } from './cache-tree.js'
import { type CommandLine, openCommandLine } from './command.js'

const image = smallQcow2('an image of my own')
const hex = (algorithm: string, bytes = image) => createHash(algorithm).update(bytes).digest('hex')

let commandLine: CommandLine
beforeAll(async () => {
  commandLine = await openCommandLine()
})
afterAll(() => commandLine[Symbol.asyncDispose]())

interface Place extends AsyncDisposable {
  readonly cache: string
  readonly file: string
  readonly directory: string
  run(...args: readonly string[]): ReturnType<CommandLine['run']>
  import(...args: readonly string[]): ReturnType<CommandLine['run']>
}

/** A file `disk.qcow2`, or one that `pack` makes of it, and an empty cache. */
async function placeOf(pack: (file: string) => string = (file) => file): Promise<Place> {
  const dir = await tempDir()
  const original = join(dir.path, 'disk.qcow2')
  writeFileSync(original, image)
  const file = pack(original)
  const cache = join(dir.path, 'cache')
  const run = (...args: readonly string[]) => commandLine.run(cache, '--offline', ...args)
  return {
    cache,
    file,
    directory: dir.path,
    run,
    import: (...args) => run('import', file, ...args),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

const fedora44 = ['--name', 'fedora', '--version', '44'] as const

function ensureIn(cacheDir: string, input: ImageInput, laterMs = 0) {
  const context = makeContext({ cacheDir, offline: true, arch: 'x86_64' }, {})
  return ensureBaseImage(parseRequest(input), undefined, { ...context, now: () => Date.now() + laterMs })
}

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('vmimage import', { timeout: 120_000 }, () => {
  test('makes a file the answer to its name and version, without network, and leaves it as it is', async () => {
    await using place = await placeOf()
    const stateOf = ({ ino, mode, mtimeNs, ctimeNs } = statSync(place.file, { bigint: true })) => [
      ino,
      mode,
      mtimeNs,
      ctimeNs,
    ]
    const before = stateOf()
    const asked = commandLine.mirror.requests.length
    const { code, stdout } = await place.import(...fedora44, '--build', '1.7')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^name +Fedora 44\nbuild +1\.7\narch +x86_64\ndigest +sha256:\w{64}\ntrust +unverified\n/,
    )
    expect(stdout).toMatch(/\nanswers +'fedora:44'\nanswers +\{ name: 'fedora:44', build: '1\.7' \}\n$/)
    const fetched = await place.run('fetch', 'fedora:44', '--json')
    expect(JSON.parse(fetched.stdout)).toEqual([
      expect.objectContaining({
        name: 'Fedora',
        version: '44',
        build: '1.7',
        url: pathToFileURL(place.file).href,
        digest: `sha256:${hex('sha256')}`,
      }),
    ])
    const options = { cacheDir: place.cache, overlayDir: join(place.directory, 'o'), offline: true }
    await using opened = await openVmImage({ name: 'fedora:44', arch: 'x86_64' }, options)
    expect(readFileSync(opened.baseImage).equals(image)).toBe(true)
    expect(stateOf()).toEqual(before)
    expect(readdirSync(cacheLayout(place.cache).ingest, { recursive: true })).toHaveLength(1)
    expect(commandLine.mirror.requests).toHaveLength(asked)
  })

  test("does not stand in the way of the publisher's newest", async () => {
    await using place = await placeOf()
    await place.import(...fedora44)
    expect((await place.run('fetch', 'fedora')).code).toBe(4)
    const { stdout } = await commandLine.run(place.cache, 'fetch', 'fedora', '--json')
    expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ trust: 'signed', build: '1.7' })])
    expect((await place.run('fetch', 'fedora:44', '--json')).stdout).toContain('"file:')
  })

  test.each<[string, readonly string[], readonly ImageInput[], readonly ImageInput[]]>([
    ['the plain name when no version is given', ['--name', 'fedora'], ['fedora'], ['fedora:44']],
    [
      'what --as says',
      [...fedora44, '--as', 'fedora', 'fedora:>=40'],
      ['fedora', 'fedora:44', 'fedora:>=40'],
      ['fedora:>=41'],
    ],
    [
      'its codename',
      ['--name', 'ubuntu', '--version', '24.04'],
      ['ubuntu:noble', 'ubuntu:24.04'],
      ['ubuntu', 'ubuntu:24'],
    ],
    ['the version of a codename', ['--name', 'ubuntu', '--version', 'noble'], ['ubuntu:24.04'], ['ubuntu']],
    ['another name of its version', ['--name', 'debian', '--version', 'stable'], ['debian:13'], ['debian']],
    [
      'a kind that is the usual one, also where none is asked for',
      ['--name', 'debian', '--version', '13', '--variant', 'genericcloud'],
      ['debian:13', { name: 'debian:13', variant: 'genericcloud' }],
      [{ name: 'debian:13', variant: 'generic' }],
    ],
    [
      'another kind only where it is asked for',
      ['--name', 'debian', '--version', '13', '--variant', 'nocloud'],
      [{ name: 'debian:13', variant: 'nocloud' }],
      ['debian:13'],
    ],
    [
      'the alias of a system',
      ['--name', 'alma', '--version', '9.6'],
      ['almalinux:9.6', 'alma:9.6'],
      ['almalinux:9'],
    ],
  ])('answers %s', async (_, args, answered, others) => {
    await using place = await placeOf()
    expect((await place.import(...args)).code).toBe(0)
    for (const input of answered) {
      await expect(ensureIn(place.cache, input)).resolves.toMatchObject({
        url: pathToFileURL(place.file).href,
      })
    }
    for (const input of others)
      await expect(ensureIn(place.cache, input)).rejects.toMatchObject({ code: 'OFFLINE' })
  })

  test('is a decision: it does not age', async () => {
    await using place = await placeOf()
    await place.import(...fedora44)
    const base = await ensureIn(place.cache, 'fedora:44', 365 * 24 * 3_600_000)
    expect(base.resolved.stale).toBeUndefined()
  })

  test.each<[string, (file: string) => string]>([
    ['xz', (file) => packed('xz', file, 'xz')],
    ['gzip', (file) => packed('gzip', file, 'gz')],
    ['bzip2', (file) => packed('bzip2', file, 'bz2')],
    [
      'tar and gzip',
      (file) => {
        execFileSync('tar', ['-czf', `${file}.tar.gz`, '-C', join(file, '..'), 'disk.qcow2'])
        return `${file}.tar.gz`
      },
    ],
  ])('unpacks %s, under the digest of what it was given', async (_, pack) => {
    await using place = await placeOf(pack)
    expect((await place.import(...fedora44)).code).toBe(0)
    const base = await ensureIn(place.cache, 'fedora:44')
    expect(base).toMatchObject({
      fileName: 'disk.qcow2',
      digest: `sha256:${hex('sha256', readFileSync(place.file))}`,
    })
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect((await place.run('verify')).code).toBe(0)
  })

  test('list shows it', async () => {
    await using place = await placeOf()
    await place.import(...fedora44, '--build', 'of-mine')
    expect((await place.run('list')).stdout).toMatch(/\nFedora +44 +of-mine +x86_64 +unverified +512 KiB/)
  })

  test('a digest that was given makes it pinned, and answers where it is asked for', async () => {
    await using place = await placeOf()
    const checksum = `sha512:${hex('sha512')}`
    const { stdout } = await place.import(...fedora44, '--checksum', checksum)
    expect(stdout).toMatch(/\ntrust +pinned\n/)
    const strict = { name: 'fedora:44', minimumTrust: 'pinned' } as const
    await expect(ensureIn(place.cache, strict)).resolves.toMatchObject({ trust: 'pinned', digest: checksum })
    await expect(ensureIn(place.cache, { name: 'fedora:44', checksum })).resolves.toBeDefined()
  })

  test('a digest that can be forged names no image and proves nothing', async () => {
    await using place = await placeOf()
    const { stdout } = await place.import(...fedora44, '--checksum', `md5:${hex('md5')}`)
    expect(stdout).toMatch(/\ndigest +sha256:\w{64}\ntrust +unverified\n/)
  })

  test("passes the bar as a file of the user's own does, unless the request itself asks for more", async () => {
    await using place = await placeOf()
    await place.import(...fedora44)
    expect((await place.run('--minimum-trust', 'signed', 'fetch', 'fedora:44')).code).toBe(0)
    const strict = { name: 'fedora:44', minimumTrust: 'checksum' } as const
    await expect(ensureIn(place.cache, strict)).rejects.toMatchObject({ code: 'UNTRUSTED' })
  })

  test('says what a name meant before, and means that again once the image is gone', async () => {
    await using place = await placeOf()
    await commandLine.run(place.cache, 'fetch', 'fedora:44')
    const { stderr } = await place.import(...fedora44)
    expect(stderr).toMatch(
      /warning: fedora:44 x86_64 meant Fedora 44 1\.7 from https:\/\/dl\.fedora\S+, and is file:\S+disk\.qcow2 from now on\.\n/,
    )
    rmSync(imageDirectory(cacheLayout(place.cache), `sha256-${hex('sha256')}`), { recursive: true })
    const again = await place.run('fetch', 'fedora:44', '--json')
    expect(JSON.parse(again.stdout)).toEqual([expect.objectContaining({ trust: 'signed' })])
  })

  test('an import that is trusted too little hides nothing that is trusted enough', async () => {
    await using place = await placeOf()
    await commandLine.run(place.cache, 'fetch', 'debian:13')
    await place.import('--name', 'debian', '--version', '13')
    const strict = { name: 'debian:13', minimumTrust: 'checksum' } as const
    await expect(ensureIn(place.cache, strict)).resolves.toMatchObject({ build: '20260712-2537' })
    await expect(ensureIn(place.cache, 'debian:13')).resolves.toMatchObject({ trust: 'unverified' })
  })

  test('an import into a layer answers who has that layer, and nothing is written there', async () => {
    await using place = await placeOf()
    await place.import(...fedora44)
    const before = treeOf(place.cache)
    const context = { arch: 'x86_64', offline: true, extraCacheDirs: [place.cache] }
    const own = makeContext({ ...context, cacheDir: join(place.directory, 'own') }, {})
    const base = await ensureBaseImage(parseRequest('fedora:44'), undefined, own)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(treeOf(place.cache)).toEqual(before)
  })

  test.each<[string, readonly string[], number, string]>([
    ['no system', [], 2, '--name fedora --version 44'],
    ['a system that there is not', ['--name', 'fedoar'], 2, 'Did you mean "fedora"?'],
    ['a path as a name', ['--name', './disk.qcow2'], 2, 'no name of a system'],
    ['a range', ['--name', 'fedora', '--version', '>=40'], 2, 'expected one version'],
    [
      'a kind that there is not',
      ['--name', 'fedora', '--variant', 'server'],
      2,
      'Cannot find variant "server"',
    ],
    [
      'another system',
      [...fedora44, '--as', 'debian'],
      2,
      'Cannot import Fedora as "debian": that is Debian',
    ],
    ['another digest', [...fedora44, '--checksum', `sha256:${'0'.repeat(64)}`], 5, 'Correct --checksum'],
    ['a checksum that is none', [...fedora44, '--checksum', 'sha256:12'], 2, 'sha256 (64)'],
  ])('refuses %s, and the cache is as it was', async (_, args, code, said) => {
    await using place = await placeOf()
    const result = await place.import(...args)
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toContain(said)
    expect(imagesIn(place.cache)).toEqual([])
  })

  test.each<[string, (file: string) => string, number, string]>([
    ['that is not there', (file) => `${file}.gone`, 1, '[FILE_NOT_FOUND]'],
    ['that is a directory', (file) => join(file, '..'), 5, '[UNSAFE_IMAGE]'],
    ['that is a directory with the name of a packed one', packedDirectory, 5, '[UNSAFE_IMAGE]'],
    [
      'that calls itself qcow2 and is a text',
      (file) => {
        const path = join(file, '..', 'text.qcow2')
        writeFileSync(path, 'hello\n')
        return path
      },
      5,
      'S2',
    ],
    [
      'that names a backing file',
      (file) => {
        writeFileSync(file, withBackingFile(image))
        return file
      },
      5,
      'Q2',
    ],
    [
      'that names a backing file, packed',
      (file) => {
        writeFileSync(file, withBackingFile(image))
        return packed('gzip', file, 'gz')
      },
      5,
      'Q2',
    ],
    [
      'that is packed without the name of it',
      (file) => {
        const { length } = readFileSync(packed('xz', file, 'xz'))
        execFileSync('mv', [`${file}.xz`, `${file}.img`])
        return length > 0 ? `${file}.img` : file
      },
      1,
      'xz -dc',
    ],
    [
      'that is cut off',
      (file) => {
        const path = packed('gzip', file, 'gz')
        writeFileSync(path, readFileSync(path).subarray(0, -20))
        return path
      },
      1,
      '[DECOMPRESSION_FAILED]',
    ],
  ])('refuses a file %s', async (_, pack, code, said) => {
    await using place = await placeOf(pack)
    const result = await place.import(...fedora44)
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toContain(said)
    expect(imagesIn(place.cache)).toEqual([])
  })

  test('does what it did when it is done again', async () => {
    await using place = await placeOf()
    const first = await place.import(...fedora44)
    const before = treeOf(cacheLayout(place.cache).images)
    const second = await place.import(...fedora44)
    expect(second.stdout).toBe(first.stdout)
    expect(treeOf(cacheLayout(place.cache).images)).toEqual(before)
  })
})

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('options', { timeout: 120_000 }, () => {
  test('--version of the program is said where no command is, and those of all commands stand before or behind it', async () => {
    await using place = await placeOf()
    expect((await place.run('--version')).stdout).toBe(`${packageVersion}\n`)
    const elsewhere = join(place.directory, 'elsewhere')
    const before = await place.run('--cache-dir', elsewhere, 'list')
    const behind = await place.run('list', '--cache-dir', elsewhere)
    expect(before.stdout).toContain(elsewhere)
    expect(behind).toEqual(before)
  })
})

function packed(program: string, file: string, suffix: string): string {
  execFileSync(program, ['-k', file])
  return `${file}.${suffix}`
}

function packedDirectory(file: string): string {
  mkdirSync(`${file}.xz`)
  return `${file}.xz`
}

function imagesIn(cacheDir: string): readonly string[] {
  const { images, ingest } = cacheLayout(cacheDir)
  if (!existsSync(images)) return []
  const keys = readdirSync(ingest).flatMap((key) => readdirSync(join(ingest, key)))
  return [...readdirSync(images), ...keys]
}
