import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { type Mirror, startMirror } from '../support/mirror.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const fedoraPath =
  '/dl.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/x86_64/images/Fedora-Cloud-Base-Generic-44-1.7.x86_64.qcow2'

let site: TempDir
let mirror: Mirror

beforeAll(async () => {
  site = await tempDir()
  await publishSmallImages(site.path)
  mirror = await startMirror(site.path)
})

afterAll(async () => {
  await mirror[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

function environment(cacheDir: string) {
  return { ...process.env, VMIMAGE_MIRROR: mirror.url, VMIMAGE_CACHE_DIR: cacheDir, VMIMAGE_OFFLINE: '' }
}

async function finish(child: ChildProcess) {
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null] // of a child's 'close' event
  return { code, ...output }
}

function vmimage(cacheDir: string, ...args: string[]) {
  return finish(spawn(process.execPath, [main, '--arch', 'x86_64', ...args], { env: environment(cacheDir) }))
}

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

describe('vmimage resolve', () => {
  test('tells the file and what vouches for it, without downloading it', async () => {
    await using cache = await tempDir()
    const { code, stdout } = await vmimage(cache.path, 'resolve', 'fedora', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({
        name: 'Fedora',
        version: '44',
        build: '1.7',
        url: `https:/${fedoraPath}`,
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        trust: 'checksum',
      }),
    ])
    expect(existsSync(`${cache.path}/v1/images`)).toBe(false)
  })

  test('prints columns for people', async () => {
    await using cache = await tempDir()
    const { stdout } = await vmimage(cache.path, 'resolve', 'debian:13')
    expect(stdout).toMatch(/^name +Debian 13\nbuild +20260712-2537\n[^]*digest +sha512:/)
  })

  test('refuses what is no name', async () => {
    await using cache = await tempDir()
    const { code, stderr } = await vmimage(cache.path, 'resolve', './disk.qcow2')
    expect(code).toBe(2)
    expect(stderr).toContain('vmimage fetch ./disk.qcow2')
  })
})

describe('vmimage list and providers', () => {
  test('list shows what is cached', async () => {
    await using cache = await tempDir()
    expect((await vmimage(cache.path, 'list')).stdout).toContain('vmimage fetch fedora')
    await vmimage(cache.path, 'fetch', 'fedora')
    const { stdout } = await vmimage(cache.path, 'list')
    expect(stdout).toMatch(
      /^NAME +VERSION[^\n]*\nFedora +44 +1\.7 +x86_64 +checksum +512 KiB +\d{4}-\d\d-\d\d\n$/,
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
    ).toEqual(['NAME', 'cirros', 'debian', 'fedora', 'ubuntu'])
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
