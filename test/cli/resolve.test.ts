import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.js'
import { type CommandLine, openCommandLine } from './command.js'

const fedoraPath =
  '/dl.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/x86_64/images/Fedora-Cloud-Base-Generic-44-1.7.x86_64.qcow2'

let commandLine: CommandLine

beforeAll(async () => {
  commandLine = await openCommandLine()
})

afterAll(() => commandLine[Symbol.asyncDispose]())

const vmimage = (cacheDir: string, ...args: readonly string[]) => commandLine.run(cacheDir, ...args)

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
        trust: 'signed',
        signedBy: expect.stringMatching(/^[0-9A-F]{40}$/),
      }),
    ])
    expect(readdirSync(`${cache.path}/v1/images`)).toEqual([])
  })

  test('prints columns for people', async () => {
    await using cache = await tempDir()
    const { stdout } = await vmimage(cache.path, 'resolve', 'debian:13')
    expect(stdout).toMatch(/^name +Debian 13\nbuild +20260712-2537\n[^]*digest +sha512:/)
  })

  test('--all lists every version and build, newest first', async () => {
    await using cache = await tempDir()
    const fedora = await vmimage(cache.path, 'resolve', 'fedora:>=40', '--all', '--json')
    const found: readonly { readonly version: string; readonly url: string }[] = JSON.parse(fedora.stdout)
    expect(found.map(({ version }) => version)).toEqual(['44', '43', '42', '41', '40'])
    expect(found[0]?.url).toBe(`https:/${fedoraPath}`)
    const { stdout } = await vmimage(cache.path, 'resolve', 'debian:13', '--all')
    expect(stdout).toMatch(
      /^VERSION +BUILD +ARCH +VARIANT +URL\n13 +20260712-2537 +x86_64 +genericcloud +https:\/\/\S+trixie\/20260712-2537\/\n13 /,
    )
  })

  test('--all of what is not there is no empty list', async () => {
    await using cache = await tempDir()
    const { code, stdout, stderr } = await vmimage(cache.path, 'resolve', 'fedora:99', '--all')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain('lists versions 44')
  })

  test('--explain tells each step: addresses, candidates, the choice, checksum and signature', async () => {
    await using cache = await tempDir()
    const plain = await vmimage(cache.path, 'resolve', 'ubuntu')
    expect(plain.stderr).not.toContain('https://')
    const { code, stdout, stderr } = await vmimage(cache.path, 'resolve', 'ubuntu', '--explain')
    expect({ code, stdout }).toEqual({ code: 0, stdout: plain.stdout })
    const steps = [
      'https://cloud-images.ubuntu.com/releases/: lists versions 26.04, 24.10, 24.04',
      'https://cloud-images.ubuntu.com/releases/26.04/: lists builds 20260720',
      '/release-20260720/: has ubuntu-26.04-server-cloudimg-amd64.img',
      /SHA256SUMS: names ubuntu-26\.04-server-cloudimg-amd64\.img: sha256:[0-9a-f]{64}, signed by [0-9A-F]{40}/,
    ]
    for (const step of steps) expect(stderr).toMatch(step)
  })

  test('shows what fetch would refuse, and ends as fetch would', async () => {
    await using cache = await tempDir()
    const shown = await vmimage(cache.path, 'resolve', 'cirros:0.6.1')
    expect(shown).toMatchObject({ code: 5, stdout: expect.stringMatching(/trust +unverified/) })
    expect((await vmimage(cache.path, 'resolve', 'debian:13')).code).toBe(0)
    const refused = await vmimage(cache.path, '--minimum-trust', 'signed', 'resolve', 'debian:13')
    expect(refused).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('Debian 13'),
      stderr: expect.stringContaining('--minimum-trust checksum'),
    })
  })

  test('names the systems of the same publisher that may have what this one has not', async () => {
    await using cache = await tempDir()
    const { code, stderr } = await vmimage(cache.path, 'resolve', 'debian:sid')
    expect(code).toBe(3)
    expect(stderr).toContain('under other names: debian-daily.')
  })

  test(
    'offline, tells what the name was when it was asked last, and opens no connection',
    {
      timeout: 90_000,
    },
    async () => {
      await using cache = await tempDir()
      const before = await vmimage(cache.path, '--offline', 'resolve', 'fedora')
      expect(before).toMatchObject({
        code: 4,
        stdout: '',
        stderr: expect.stringContaining('npx vmimage fetch fedora'),
      })
      const fetched = await vmimage(cache.path, 'fetch', 'fedora', '--json')
      const asked = commandLine.mirror.requests.length
      const { code, stdout } = await vmimage(cache.path, '--offline', 'resolve', 'fedora')
      expect(code).toBe(0)
      expect(stdout).toMatch(
        /^name +Fedora 44\n[^]*\ncached +\/.*disk\nknown +resolved \d+ seconds? ago, and not again: the network is switched off\.\n$/,
      )
      const json = await vmimage(cache.path, '--offline', 'resolve', 'fedora', '--json')
      const [{ path, digest, url }] = JSON.parse(fetched.stdout)
      expect(JSON.parse(json.stdout)).toEqual([
        expect.objectContaining({ path, digest, url, version: '44', trust: 'signed' }),
      ])
      const bar = await vmimage(cache.path, '--offline', '--minimum-trust', 'pinned', 'resolve', 'fedora')
      expect(bar.code).toBe(5)
      expect(commandLine.mirror.requests).toHaveLength(asked)
    },
  )

  test('refuses what is no name', async () => {
    await using cache = await tempDir()
    const { code, stderr } = await vmimage(cache.path, 'resolve', './disk.qcow2')
    expect(code).toBe(2)
    expect(stderr).toContain('vmimage fetch ./disk.qcow2')
  })
})
