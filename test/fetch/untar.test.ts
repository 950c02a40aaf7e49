import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { untar } from '../../src/fetch/untar.js'
import { errorOf } from '../support/error-of.js'
import { makeTar } from '../support/tar.js'
import { tempDir } from '../support/temp-dir.js'

const data = randomBytes(100_000)
const never = new AbortController().signal

afterEach(() => vi.unstubAllEnvs())

async function* inPieces(bytes: Buffer) {
  for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536)
}

async function unpack(archive: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of untar(archive, { name: 'Kali 2026.2', signal: never })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const writeDisk = (directory: string) => writeFile(join(directory, 'disk.raw'), data)

/** Holes before, between and after the data. */
async function writeSparse(directory: string): Promise<void> {
  await using file = await open(join(directory, 'disk.raw'), 'wx')
  await file.write(data, 0, 50_000, 5_000_000)
  await file.write(data, 50_000, 50_000, 9_000_000)
  await file.truncate(20_000_000)
}

function sparseBytes(): Buffer {
  const bytes = Buffer.alloc(20_000_000)
  data.copy(bytes, 5_000_000, 0, 50_000)
  data.copy(bytes, 9_000_000, 50_000)
  return bytes
}

describe('untar()', () => {
  test.each([
    ['a file', ['disk.raw']],
    ['a file and its directory', ['.']],
    ['a file in the form of 1988', ['--format=ustar', 'disk.raw']],
    ['a file with an absolute name', ['--absolute-names', '--transform=s,^,/nonexistent/,', 'disk.raw']],
    [
      'a file with a name of two lines',
      ['--transform=s,disk,a\\n-rw-r--r-- 0/0 1 2026-01-01 00:00 b,', 'disk.raw'],
    ],
  ])('gives the bytes of %s', async (_, args) => {
    const archive = await makeTar(writeDisk, args)
    expect((await unpack(inPieces(archive))).equals(data)).toBe(true)
  })

  test.each(['gnu', 'posix'])('fills the holes of a sparse file in the %s form', async (format) => {
    const archive = await makeTar(writeSparse, ['--sparse', `--format=${format}`, 'disk.raw'])
    expect(archive.length).toBeLessThan(200_000)
    expect((await unpack(inPieces(archive))).equals(sparseBytes())).toBe(true)
  })

  test.each<[string, (directory: string) => Promise<unknown>, readonly string[], string]>([
    [
      'two files',
      async (dir) => [await writeDisk(dir), await writeFile(join(dir, 'README'), '')],
      ['disk.raw', 'README'],
      '"disk.raw", "README"',
    ],
    [
      'five files',
      (dir) => Promise.all(['1', '2', '3', '4', '5'].map((name) => writeFile(join(dir, name), name))),
      ['1', '2', '3', '4', '5'],
      '"1", "2", "3" and 2 more',
    ],
    [
      'the same file twice',
      async (dir) => [await writeDisk(dir), await link(join(dir, 'disk.raw'), join(dir, 'link'))],
      ['disk.raw', 'link'],
      '"disk.raw", "link link to disk.raw" (a hard link)',
    ],
    [
      'a symbolic link',
      (dir) => symlink('/etc/hostname', join(dir, 'disk.raw')),
      ['disk.raw'],
      '"disk.raw -> /etc/hostname" (a symbolic link)',
    ],
    [
      'a pipe',
      (dir) => promisify(execFile)('mkfifo', [join(dir, 'disk.raw')]),
      ['disk.raw'],
      '"disk.raw" (a pipe)',
    ],
    ['a device', async () => {}, ['-C', '/dev', 'null'], '"null" (a device)'],
    ['a directory', (dir) => mkdir(join(dir, 'disk')), ['disk'], 'no file'],
    ['nothing', async () => {}, ['--files-from=/dev/null'], 'no file'],
  ])('refuses an archive of %s, and writes nothing', async (_, prepare, args, found) => {
    const archive = await makeTar(prepare, args)
    const before = await readdir('.')
    const error = await errorOf(unpack(inPieces(archive)))
    expect(error.code).toBe('DECOMPRESSION_FAILED')
    expect(error.message).toContain(`Cannot unpack "Kali 2026.2": its archive holds ${found}; expected one`)
    expect(error.message).toContain('\nUnpack it by hand')
    expect(await readdir('.')).toEqual(before)
  })

  test('cuts the names that it quotes', async () => {
    const names = ['a'.repeat(200), 'b'.repeat(200)]
    const archive = await makeTar(
      (dir) => Promise.all(names.map((name) => writeFile(join(dir, name), ''))),
      names,
    )
    expect((await errorOf(unpack(inPieces(archive)))).message.length).toBeLessThan(500)
  })

  test.each([
    ['that is cut off', (bytes: Buffer) => bytes.subarray(0, 50_000)],
    ['whose header is damaged', (bytes: Buffer) => Buffer.concat([Buffer.alloc(10, 1), bytes.subarray(10)])],
    ['that is a page', () => Buffer.from('<html>Log in</html>')],
    ['that is empty', () => Buffer.alloc(0)],
  ])('lets tar find an archive %s', async (_, damage) => {
    const archive = damage(await makeTar(writeDisk, ['disk.raw']))
    expect((await errorOf(unpack(inPieces(archive)))).code).toBe('TOOL_FAILED')
  })

  test('lets tar refuse a name that leads out of its directory', async () => {
    const archive = await makeTar(writeDisk, ['--absolute-names', '--transform=s,^,../,', 'disk.raw'])
    const error = await errorOf(unpack(inPieces(archive)))
    expect([error.code, error.message]).toEqual(['TOOL_FAILED', expect.stringContaining("contains '..'")])
  })

  test('throws what broke the archive, not what tar made of it', async () => {
    const broken = new Error('the download went away')
    const archive = await makeTar(writeDisk, ['disk.raw'])
    async function* stream() {
      yield archive.subarray(0, 50_000)
      throw broken
    }
    await expect(unpack(stream())).rejects.toBe(broken)
  })

  test('finds out that an archive breaks after its end mark, where tar reads no more', async () => {
    const broken = new Error('the checksum is wrong')
    const archive = await makeTar(writeDisk, ['disk.raw'])
    async function* stream() {
      yield archive
      yield Buffer.alloc(1_000_000)
      throw broken
    }
    await expect(unpack(stream())).rejects.toBe(broken)
  })

  test('does not read for ever what follows the end mark', async () => {
    const archive = await makeTar(writeDisk, ['disk.raw'])
    async function* stream() {
      yield archive
      for (;;) yield Buffer.alloc(1_000_000)
    }
    const error = await errorOf(unpack(stream()))
    expect([error.code, error.message]).toEqual([
      'DECOMPRESSION_FAILED',
      expect.stringContaining('goes on after its end'),
    ])
  })

  test('ends what it reads when nobody wants more of it', async () => {
    const archive = await makeTar(writeDisk, ['disk.raw'])
    let isEnded = false
    async function* stream() {
      try {
        yield archive.subarray(0, 50_000)
        for (;;) yield Buffer.alloc(1_000_000)
      } finally {
        isEnded = true
      }
    }
    for await (const _ of untar(stream(), { name: 'Kali 2026.2', signal: never })) break
    expect(isEnded).toBe(true)
  })

  test('kills tar when names fill its standard error', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `${index}`.padStart(200, 'x'))
    const create = (dir: string) => Promise.all(names.map((name) => writeFile(join(dir, name), '')))
    const archive = await makeTar(create, names)
    const members = archive.subarray(0, archive.length - 10_240)
    const error = await errorOf(unpack(inPieces(Buffer.concat(Array.from({ length: 80 }, () => members)))))
    expect(error.code).toBe('TOOL_FAILED')
  })

  test('says what to install where there is no tar', async () => {
    const archive = await makeTar(writeDisk, ['disk.raw'])
    vi.stubEnv('PATH', '/nonexistent')
    const error = await errorOf(unpack(inPieces(archive)))
    expect([error.code, error.message]).toEqual(['TOOL_MISSING', expect.stringContaining('apt install tar')])
  })

  test('does not work with a tar that is not of GNU', async () => {
    await using programs = await tempDir()
    const script =
      '#!/bin/sh\ncase "$*" in *--quoting-style=escape*) echo "unknown option" >&2; exit 1;; esac\n'
    await writeFile(join(programs.path, 'tar'), script, { mode: 0o700 })
    const archive = await makeTar(writeDisk, ['disk.raw'])
    vi.stubEnv('PATH', `${programs.path}:${process.env['PATH']}`)
    expect((await errorOf(unpack(inPieces(archive)))).code).toBe('TOOL_FAILED')
  })
})
