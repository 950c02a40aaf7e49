import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { access, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test, vi } from 'vitest'
import type { Packing } from '../../src/compression.js'
import { decompress } from '../../src/fetch/decompress.js'
import type { ReportEvent } from '../../src/report.js'
import { errorOf } from '../support/error-of.js'
import { makeTar } from '../support/tar.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'

const data = Buffer.concat([randomBytes(150_000), Buffer.alloc(1_000_000), randomBytes(1000)])
const compressors: Readonly<Record<Packing, readonly string[]>> = {
  'tar.xz': ['tar', '-cJf', '-', '-P'],
  'tar.gz': ['tar', '-czf', '-', '-P'],
  xz: ['xz', '-zc'],
  gz: ['gzip', '-c'],
  zst: ['zstd', '-qc'],
  bz2: ['bzip2', '-zc'],
}
const all: readonly Packing[] = ['tar.xz', 'tar.gz', 'xz', 'gz', 'zst', 'bz2']

afterEach(() => vi.unstubAllEnvs())

async function compress(compression: Packing, bytes: Buffer, ...more: readonly string[]): Promise<Buffer> {
  await using dir = await tempDir()
  const plain = join(dir.path, 'plain')
  await writeFile(plain, bytes)
  const [program = '', ...args] = compressors[compression]
  const options = { encoding: 'buffer', maxBuffer: 2 ** 28 } as const
  return (await promisify(execFile)(program, [...args, ...more, plain], options)).stdout
}

/** Writes `disk.raw`, a file of this size that begins with these bytes. */
function disk(bytes: Buffer | string, sizeBytes: number) {
  return async (directory: string) => {
    await writeFile(join(directory, 'disk.raw'), bytes)
    await truncate(join(directory, 'disk.raw'), sizeBytes)
  }
}

interface Run extends AsyncDisposable {
  readonly events: readonly ReportEvent[]
  readonly target: string
  readonly result: ReturnType<typeof decompress>
}

async function run(
  compression: Packing,
  bytes: Buffer,
  maxBytes = 2 ** 30,
  signal?: AbortSignal,
): Promise<Run> {
  const dir: TempDir = await tempDir()
  const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')]
  await writeFile(source, bytes)
  const events: ReportEvent[] = []
  const report = (event: ReportEvent) => void events.push(event)
  const options = { name: 'fedora', maxBytes, report, signal: signal ?? new AbortController().signal }
  const result = decompress(source, target, compression, options)
  result.catch(() => {}) // the test looks at it in its own time
  return { events, target, result, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}

/** A PATH without any program, so that Node's and our own decoders have to do. */
function hidePrograms(): void {
  vi.stubEnv('PATH', '/nonexistent')
}

async function expectGone(path: string): Promise<void> {
  await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' })
}

test.each(all)(
  'decompress() expands .%s, and gives size and SHA-256 of what came out',
  async (compression) => {
    await using running = await run(compression, await compress(compression, data))
    const sha256 = createHash('sha256').update(data).digest('hex')
    expect(await running.result).toEqual({ sizeBytes: data.length, sha256 })
    expect((await readFile(running.target)).equals(data)).toBe(true)
  },
)

test.each(all)('decompress() of .%s leaves zeros out of the file', async (compression) => {
  await using running = await run(compression, await compress(compression, Buffer.alloc(20_000_000)))
  await running.result
  const { size, blocks } = await stat(running.target)
  expect([size, blocks]).toEqual([20_000_000, 0])
})

test.each(all)('decompress() tells how much of the .%s it has read', async (compression) => {
  const bytes = await compress(compression, data)
  await using running = await run(compression, bytes)
  await running.result
  const total = { type: 'unpacking', name: 'fedora', totalBytes: bytes.length }
  expect(running.events[0]).toEqual({ ...total, readBytes: 0 })
  expect(running.events.at(-1)).toEqual({ ...total, readBytes: bytes.length })
})

const damages = {
  'is cut off': (bytes: Buffer) => bytes.subarray(0, -100),
  'misses its last bytes': (bytes: Buffer) => bytes.subarray(0, -4),
  'has a wrong bit': (bytes: Buffer) => {
    const copy = Buffer.from(bytes)
    copy[70_000] = (copy[70_000] ?? 0) ^ 1
    return copy
  },
  'is followed by something else': (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('something else')]),
  'is a page': () => Buffer.from('<html>Log in</html>'),
  'is empty': () => Buffer.alloc(0),
} as const
const damaged = all
  .flatMap((compression) => Object.entries(damages).map(([what, damage]) => ({ compression, what, damage })))
  // bzip2 only warns of it, by design; the digest of the compressed file is there to find it.
  .filter(({ compression, what }) => compression !== 'bz2' || what !== 'is followed by something else')

test.each(damaged)(
  'fault 46, a packed image is cut off, damaged, empty, or followed by something else: an error, and nothing is left (.$compression that $what)',
  async ({ compression, damage }) => {
    await using running = await run(compression, damage(await compress(compression, data)))
    const error = await errorOf(running.result)
    expect(error.code).toBe('DECOMPRESSION_FAILED')
    expect(error.message).toMatch(
      new RegExp(`^Cannot unpack "fedora": .*\\.${compression} file\\.\nFetch it again`),
    )
    await expectGone(running.target)
  },
)

test.each(all)(
  'fault 46, a packed image is a bomb of zeros: it is stopped at its cap, and nothing is left (.%s)',
  async (compression) => {
    await using running = await run(
      compression,
      await compress(compression, Buffer.alloc(50_000_000)),
      49_999_999,
    )
    const error = await errorOf(running.result)
    expect([error.code, error.message]).toEqual([
      'DECOMPRESSION_FAILED',
      expect.stringContaining('more than 49999999 bytes come out of it'),
    ])
    await expectGone(running.target)
  },
)

test.each(['gnu', 'posix'])(
  'A hole of a tebibyte in a .tar.gz of %s form is stopped, too',
  async (format) => {
    const archive = await makeTar(disk('', 2 ** 40), ['--sparse', `--format=${format}`, 'disk.raw'])
    await using running = await run('tar.gz', gzipSync(archive), 100_000_000)
    expect((await errorOf(running.result)).message).toContain('more than 100000000 bytes come out of it')
    await expectGone(running.target)
  },
)

test('The holes of a disk in a .tar.gz stay holes', async () => {
  const archive = await makeTar(disk(data, 200_000_000), ['--sparse', 'disk.raw'])
  await using running = await run('tar.gz', gzipSync(archive))
  expect((await running.result).sizeBytes).toBe(200_000_000)
  expect((await stat(running.target)).blocks * 512).toBeLessThan(2_000_000)
  expect((await readFile(running.target)).subarray(0, data.length).equals(data)).toBe(true)
})

test.each([
  ['two files', () => makeTar(disk(data, 1), ['disk.raw', 'disk.raw']), 'holds "disk.raw", '],
  ['what is no tar', () => Promise.resolve(data), 'does not look like a tar archive'],
])('A .tar.gz of %s is an error, and nothing is left', async (_, make, found) => {
  await using running = await run('tar.gz', gzipSync(await make()))
  const error = await errorOf(running.result)
  expect([error.code, error.message]).toEqual(['DECOMPRESSION_FAILED', expect.stringContaining(found)])
  await expectGone(running.target)
})

test('maxBytes itself is allowed', async () => {
  await using running = await run('gz', gzipSync(data), data.length)
  expect((await running.result).sizeBytes).toBe(data.length)
})

test.each([
  [
    'of several streams',
    async () => Buffer.concat([await compress('xz', data), await compress('xz', data)]),
    2,
  ],
  ['with a SHA-256 check', () => compress('xz', data, '--check=sha256'), 1],
  ['of several blocks', () => compress('xz', data, '--block-size=65536'), 1],
  ['made with -9', () => compress('xz', data, '-9'), 1],
])(
  'fault 46, a packed image has several streams or blocks, a SHA-256 check, or the dictionary of -9: it is unpacked (%s)',
  async (_, make, times) => {
    await using running = await run('xz', await make())
    expect((await running.result).sizeBytes).toBe(times * data.length)
  },
)

test('fault 46, a packed image asks for 256 MiB of memory: it is refused', async () => {
  const bytes = await compress('xz', data, '--lzma2=preset=0,dict=256MiB')
  await using running = await run('xz', bytes)
  const error = await errorOf(running.result)
  expect([error.code, error.message]).toEqual([
    'DECOMPRESSION_FAILED',
    expect.stringContaining('Memory usage limit'),
  ])
})

test('fault 47, xz is not installed: our own decoder does it, and says so', async () => {
  const bytes = await compress('xz', data)
  hidePrograms()
  await using running = await run('xz', bytes)
  expect((await running.result).sizeBytes).toBe(data.length)
  expect((await readFile(running.target)).equals(data)).toBe(true)
  expect(running.events).toContainEqual({
    type: 'warning',
    message: expect.stringContaining('apt install xz-utils'),
  })
})

test.each(Object.entries(damages))(
  'fault 46, 47, xz is not installed and the image is damaged: our own decoder finds it, too (%s)',
  async (_, damage) => {
    const bytes = damage(await compress('xz', data))
    hidePrograms()
    await using running = await run('xz', bytes)
    expect((await errorOf(running.result)).code).toBe('DECOMPRESSION_FAILED')
    await expectGone(running.target)
  },
)

test.each([
  ['bz2', 'bzip2'],
  ['zst', 'zstd'],
] as const)(
  'fault 47, bzip2 or zstd is not installed: the error says how to install it, and nothing is left (.%s)',
  async (compression, program) => {
    const bytes = await compress(compression, data)
    hidePrograms()
    await using running = await run(compression, bytes)
    const error = await errorOf(running.result)
    expect([error.code, error.message]).toEqual([
      'TOOL_MISSING',
      expect.stringContaining(`apt install ${program}`),
    ])
    await expectGone(running.target)
  },
)

test('fault 47, xz is killed while it unpacks, as when memory is short: an error that says so, and nothing is left', async () => {
  await using programs = await tempDir()
  await writeFile(join(programs.path, 'xz'), '#!/bin/sh\necho part\nkill -KILL $$\n', { mode: 0o700 })
  const bytes = await compress('xz', data)
  vi.stubEnv('PATH', `${programs.path}:${process.env['PATH']}`)
  await using running = await run('xz', bytes)
  const error = await errorOf(running.result)
  expect([error.code, error.message]).toEqual(['DECOMPRESSION_FAILED', expect.stringContaining('SIGKILL')])
  await expectGone(running.target)
})

test.each(all)(
  'An abort ends the expansion of a .%s with its reason, and nothing is left',
  async (compression) => {
    const controller = new AbortController()
    const bytes = await compress(compression, Buffer.alloc(100_000_000))
    await using running = await run(compression, bytes, 2 ** 30, controller.signal)
    const reason = new Error('the user went home')
    await expect
      .poll(() =>
        stat(running.target).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
    controller.abort(reason)
    await expect(running.result).rejects.toBe(reason)
    await expectGone(running.target)
  },
)

test('A target that exists is not touched', async () => {
  await using dir = await tempDir()
  const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')]
  await writeFile(source, gzipSync(data))
  await writeFile(target, 'precious')
  const options = {
    name: 'fedora',
    maxBytes: 2 ** 30,
    report: () => {},
    signal: new AbortController().signal,
  }
  await expect(decompress(source, target, 'gz', options)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(await readFile(target, 'utf8')).toBe('precious')
})
