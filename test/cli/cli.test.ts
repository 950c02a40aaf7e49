import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageProviders } from '../../src/providers/index.js'
import type { Mirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'
import { type CommandLine, finish, main, openCommandLine } from './command.js'

const fedoraPath =
  '/dl.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/x86_64/images/Fedora-Cloud-Base-Generic-44-1.7.x86_64.qcow2'

let commandLine: CommandLine
let mirror: Mirror

beforeAll(async () => {
  commandLine = await openCommandLine()
  mirror = commandLine.mirror
})

afterAll(() => commandLine[Symbol.asyncDispose]())

const environment = (cacheDir: string) => commandLine.environment(cacheDir)
const vmimage = (cacheDir: string, ...args: readonly string[]) => commandLine.run(cacheDir, ...args)

describe('vmimage fetch', () => {
  test('puts images into the cache and prints where they are, one line each', async () => {
    await using cache = await tempDir()
    const { code, stdout, stderr } = await vmimage(cache.path, 'fetch', 'fedora', 'debian:13')
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^Fedora 44 +1\.7 +x86_64 +\//),
      expect.stringMatching(/^Debian 13 +20260712-2537 +x86_64 +\//),
    ])
    for (const line of lines) expect(existsSync(line.slice(line.indexOf('/')))).toBe(true)
    expect(stderr).toContain('downloading Fedora 44')
    expect(stderr).not.toContain('\u001B')
  })

  test('asks nobody for what is cached, and prints the same', async () => {
    await using cache = await tempDir()
    const first = await vmimage(cache.path, 'fetch', 'fedora')
    const asked = mirror.requests.length
    const second = await vmimage(cache.path, 'fetch', 'fedora')
    expect(second).toEqual({ code: 0, stdout: first.stdout, stderr: '' })
    expect(mirror.requests).toHaveLength(asked)
  })

  test('draws a bar with rate and time left on a terminal', async () => {
    await using cache = await tempDir()
    mirror.fail(fedoraPath, { trickle: { bytes: 32_768, everyMs: 60 } })
    // script(1) of util-linux gives the command a pseudo-terminal.
    const command = `${process.execPath} ${main} --arch x86_64 fetch fedora`
    const { code, stdout } = await finish(
      spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        env: { ...environment(cache.path), TERM: 'xterm' },
      }),
    )
    expect(code).toBe(0)
    expect(stripVTControlCharacters(stdout)).toMatch(
      /downloading Fedora 44 {2}█+░+ {2}\d+% {2}\d+ KiB of 512 KiB {2}[\d.]+ [KM]iB\/s {2}\d+ s left/,
    )
  })

  test('Ctrl-C ends it with 130, and the next call goes on from what has arrived', async () => {
    await using cache = await tempDir()
    mirror.fail(fedoraPath, { stallAfter: 262_144 })
    const child = spawn(process.execPath, [main, '--arch', 'x86_64', 'fetch', 'fedora'], {
      env: environment(cache.path),
    })
    const ended = finish(child)
    await expect.poll(() => mirror.requests.at(-1)?.bytesSent, { timeout: 10_000 }).toBe(262_144)
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    expect((await vmimage(cache.path, 'fetch', 'fedora')).code).toBe(0)
    expect(mirror.requests.at(-1)?.range).toMatch(/^bytes=[1-9]/)
  })

  test.each([
    ['no image', ['fetch'], 2, 'image'],
    ['a misspelt system', ['fetch', 'fedoar'], 2, 'Did you mean "fedora"?'],
    ['nonsense', ['fetch', 'fedora 41'], 2, '"fedora:41"'],
    ['an unknown architecture', ['--arch', 'vax', 'fetch', 'fedora'], 2, 'x86_64 = amd64'],
    ['an unknown option', ['fetch', 'fedora', '--fast'], 2, '--fast'],
    ['an unknown command', ['catch', 'fedora'], 2, 'catch'],
    ['a version that is not published', ['fetch', 'fedora:99'], 3, '44'],
    ['no network', ['--offline', 'fetch', 'fedora'], 4, 'npx vmimage fetch fedora'],
    ['an image that no server has', ['fetch', 'cirros:0.6.3'], 4, 'HTTP 404'],
    ['an empty directory', ['--cache-dir', '', 'list'], 2, 'cacheDir=""'],
    [
      'a trust that there is not',
      ['--minimum-trust', 'blind', 'fetch', 'debian'],
      2,
      'unverified, checksum, signed',
    ],
    [
      'less trust than was asked for',
      ['--minimum-trust', 'signed', 'fetch', 'debian:13'],
      5,
      "{ minimumTrust: 'checksum' }",
    ],
    ['what only md5 vouches for', ['fetch', 'cirros:0.6.1'], 5, 'VMIMAGE_MINIMUM_TRUST=unverified'],
    ['a checksum that is none', ['fetch', 'fedora', '--checksum', 'sha256:12'], 2, 'sha256 (64)'],
  ])('refuses %s with its exit code', async (_, args, code, said) => {
    await using cache = await tempDir()
    const result = await vmimage(cache.path, ...args)
    expect(result.code).toBe(code)
    expect(result.stdout).toBe('')
    expect(result.stderr).toContain(said)
  })

  test('an image that is not the one known for its release ends with 5', async () => {
    await using cache = await tempDir()
    const path = '/download.cirros-cloud.net/0.6.3/cirros-0.6.3-x86_64-disk.img'
    mirror.fail(path, { swap: 'a mirror with something else under that name' })
    const { code, stderr } = await vmimage(cache.path, 'fetch', 'cirros:0.6.3')
    expect(code).toBe(5)
    expect(stderr).toContain('7d6355852aeb6dbcd191bcda7cd74f1536cfe5cbf8a10495a7283a8396e4b75b')
  })

  test('goes on after one that cannot be had, and ends as that one did', async () => {
    await using cache = await tempDir()
    const names = ['cirros:0.6.1', 'debian:13', 'fedora:99', 'fedora:43']
    const { code, stdout, stderr } = await vmimage(cache.path, 'fetch', ...names)
    expect(code).toBe(5)
    expect(stdout).toMatch(/^Debian 13 .*\nFedora 43 .*\n$/)
    expect(stderr).toMatch(/\[NO_MATCH\][^]*\[UNTRUSTED\]/)
  })

  test('a checksum is the digest of one image, and not of the one that happens to be cached', async () => {
    await using cache = await tempDir()
    const two = await vmimage(
      cache.path,
      'fetch',
      'fedora',
      'debian:13',
      '--checksum',
      `sha256:${'0'.repeat(64)}`,
    )
    expect(two).toMatchObject({ code: 2, stderr: expect.stringContaining('for 2 images') })
    const fedora = JSON.parse((await vmimage(cache.path, 'fetch', 'fedora', '--json')).stdout) as [
      { digest: string },
    ]
    const wrong = await vmimage(cache.path, 'fetch', 'debian:13', '--checksum', fedora[0].digest)
    expect(wrong).toMatchObject({ code: 5, stderr: expect.stringContaining('[DIGEST_MISMATCH]') })
  })

  test('options narrow down what is meant', async () => {
    await using cache = await tempDir()
    const { code, stderr } = await vmimage(
      cache.path,
      '--offline',
      'fetch',
      'debian',
      '--variant',
      'generic',
      '--build',
      '1',
    )
    expect(code).toBe(4)
    expect(stderr).toContain('npx vmimage fetch --variant generic --build 1 debian')
  })

  test('a wrong digest ends with 5', async () => {
    await using cache = await tempDir()
    mirror.fail(fedoraPath, { flipAt: 1000 })
    const { code, stderr } = await vmimage(cache.path, 'fetch', 'fedora')
    expect(code).toBe(5)
    expect(stderr).toContain('sha256')
  })
})

describe('vmimage list and providers', () => {
  test('list shows what is cached', async () => {
    await using cache = await tempDir()
    expect((await vmimage(cache.path, 'list')).stdout).toContain('vmimage fetch fedora')
    await vmimage(cache.path, 'fetch', 'fedora')
    const { stdout } = await vmimage(cache.path, 'list')
    expect(stdout).toMatch(
      /^NAME +VERSION[^\n]*\nFedora +44 +1\.7 +x86_64 +signed +512 KiB +\d{4}-\d\d-\d\d +\w{12} +-\n/,
    )
    expect(JSON.parse((await vmimage(cache.path, 'list', '--json')).stdout)).toEqual([
      expect.objectContaining({ name: 'Fedora', allocatedBytes: 524_288 }),
    ])
  })

  test('providers shows every system', async () => {
    await using cache = await tempDir()
    const { stdout } = await vmimage(cache.path, 'providers')
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['NAME', ...imageProviders.list().map(({ name }) => name)])
    expect(stdout).toMatch(
      /\ndebian +debian-cloud +9 to 13 +x86_64, aarch64, ppc64le, riscv64 +checksum +debian +bios, uefi\n/,
    )
  })

  test('a reader that has had enough is no error', async () => {
    await using cache = await tempDir()
    const command = `"${process.execPath}" "${main}" providers --json | true`
    const { code, stderr } = await finish(
      spawn('bash', ['-o', 'pipefail', '-c', command], { env: environment(cache.path) }),
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('--help is for newcomers', async () => {
    await using cache = await tempDir()
    const { code, stdout } = await vmimage(cache.path, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Examples:[^]*vmimage fetch fedora debian:13[^]*Exit codes:/)
  })
})
