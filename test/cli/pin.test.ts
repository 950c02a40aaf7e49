/** `vmimage pin` in a project whose publisher goes on publishing. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readPins } from '../../src/image/pin-file.js'
import {
  acme,
  main as site,
  type MovingPublisher,
  startMovingPublisher,
} from '../support/moving-publisher.js'
import { finish, main, type Output } from './command.js'

interface Project extends AsyncDisposable {
  readonly publisher: MovingPublisher
  readonly file: string
  readonly text: () => string
  readonly keys: () => readonly string[]
  vmimage(...args: readonly string[]): Promise<Output>
  /** With variables, or in another directory of the project. */
  vmimageIn(
    directory: string,
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<Output>
}

async function startProject(config: object = {}): Promise<Project> {
  const publisher = await startMovingPublisher()
  const file = join(publisher.directory, 'vmimage.lock.json')
  const common = { providers: [acme], mirror: publisher.mirror.url, arch: 'x86_64', cacheDir: 'cache' }
  writeFileSync(
    join(publisher.directory, 'vmimage.config.json'),
    JSON.stringify({ ...common, images: ['acme'], ...config }),
  )
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:VMIMAGE_|CI$)/.test(name))
  const vmimageIn: Project['vmimageIn'] = (directory, env, ...args) =>
    finish(
      spawn(process.execPath, [main, ...args], {
        cwd: join(publisher.directory, directory),
        env: { ...Object.fromEntries(inherited), ...env },
      }),
    )
  return {
    publisher,
    file,
    text: () => readFileSync(file, 'utf8'),
    keys: () => Object.keys(readPins(file) ?? {}),
    vmimage: (...args) => vmimageIn('', {}, ...args),
    vmimageIn,
    [Symbol.asyncDispose]: publisher[Symbol.asyncDispose],
  }
}

const withoutTimes = (text: string) => text.replaceAll(/"resolvedAt": ".*"/g, '')

describe('vmimage pin', () => {
  test('pins what the configuration lists, without downloading it, and says where', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    const { code, stdout, stderr } = await project.vmimage('pin')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'added  acme x86_64  Acme 1 build 1\n' })
    expect(stderr).toContain(`written to ${project.file}: commit it`)
    expect(readPins(project.file)).toMatchObject({
      'acme x86_64': {
        request: 'acme',
        version: '1',
        build: '1',
        url: `https://${site}/1/acme-1-1.x86_64.qcow2`,
        trust: 'checksum',
      },
    })
    expect(project.publisher.asked()).not.toContain(project.publisher.path('1', '1'))
  })

  test('leaves out what the configuration has on this machine: it needs no pin', async () => {
    const golden = {
      name: 'golden',
      versionsUrl: 'file:///golden/',
      imagesUrl: 'file:///golden/{version}/',
      imagePattern: 'golden-{version}.{arch}.qcow2',
    }
    await using project = await startProject({ providers: [acme, golden], images: ['acme', 'golden:1'] })
    project.publisher.publish('1', '1')
    expect(await project.vmimage('pin')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^added +acme/),
    })
    expect(project.keys()).toEqual(['acme x86_64'])
  })

  test('leaves what is pinned as it is, and asks nobody', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin')
    const before = project.text()
    project.publisher.publish('1', '2')
    project.publisher.asked()
    expect(await project.vmimage('pin')).toEqual({
      code: 0,
      stdout: 'unchanged  acme x86_64  Acme 1 build 1\n',
      stderr: '',
    })
    expect(project.text()).toBe(before)
    expect(project.publisher.asked()).toEqual([])
  })

  test('writes the same file in whatever order images are named', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin', 'acme:1', 'acme')
    const first = withoutTimes(project.text())
    await project.vmimage('pin', '--remove', 'acme:1')
    await project.vmimage('pin', 'acme:1')
    expect(withoutTimes(project.text())).toBe(first)
  })

  test('brings a file back into its form that was merged by hand', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin', 'acme', 'acme:1')
    const before = project.text()
    const [first, second] = before.split(/(?<= {2}\},)\n/)
    writeFileSync(project.file, before.replace(`${first}\n${second}`, `{\n${second}\n${first?.slice(2)}`))
    expect(project.text()).not.toBe(before)
    expect((await project.vmimage('pin')).code).toBe(0)
    expect(project.text()).toBe(before)
  })

  test('--update moves what is named, and nothing else', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin', 'acme', 'acme:1')
    project.publisher.publish('1', '2')
    const { code, stdout } = await project.vmimage('pin', '--update', 'acme')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'moved  acme x86_64  Acme 1 build 1 -> Acme 1 build 2\n',
    })
    expect(readPins(project.file)).toMatchObject({
      'acme x86_64': { build: '2' },
      'acme:1 x86_64': { build: '1' },
    })
  })

  test('--update without names moves all, and leaves the bytes of what has not moved', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    project.publisher.publish('2', '1')
    await project.vmimage('pin', 'acme:1', 'acme:>=2 <3')
    const before = readPins(project.file)
    project.publisher.publish('2', '2')
    const { stdout } = await project.vmimage('pin', '--update', '--json')
    expect(JSON.parse(stdout)).toMatchObject([
      { request: 'acme:1 x86_64', change: 'unchanged' },
      { request: 'acme:>=2 <3 x86_64', change: 'moved', from: { build: '1' }, to: { build: '2' } },
    ])
    expect(readPins(project.file)?.['acme:1 x86_64']).toEqual(before?.['acme:1 x86_64'])
  })

  test('--update to an older build warns', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    project.publisher.publish('1', '2')
    await project.vmimage('pin')
    project.publisher.withdraw('1', '2')
    const { stdout, stderr } = await project.vmimage('pin', '--update')
    expect(stdout).toContain('Acme 1 build 2 -> Acme 1 build 1')
    expect(stderr).toMatch(/warning: .* is older \(1 build 1\) than what was offered on .* \(1 build 2\)/)
  })

  test('of several processes at once loses nothing', async () => {
    await using project = await startProject()
    const versions = ['1', '2', '3', '4']
    for (const version of versions) project.publisher.publish(version, '1')
    const ends = await Promise.all(versions.map((version) => project.vmimage('pin', `acme:${version}`)))
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(project.keys()).toEqual(versions.map((version) => `acme:${version} x86_64`))
  })

  test('goes on after one that cannot be had, and ends as that one did', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    const { code, stderr } = await project.vmimage('pin', 'acme:9', 'acme:1')
    expect(code).toBe(3)
    expect(stderr).toContain('[NO_MATCH]')
    expect(project.keys()).toEqual(['acme:1 x86_64'])
  })

  test('--remove takes an image out, also of a provider that is gone', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin', 'acme', 'acme:1')
    expect((await project.vmimage('pin', '--remove', 'acme')).stdout).toBe(
      'removed  acme x86_64  Acme 1 build 1\n',
    )
    expect(project.keys()).toEqual(['acme:1 x86_64'])
    writeFileSync(join(project.publisher.directory, 'vmimage.config.json'), '{}')
    const update = await project.vmimage('pin', '--update')
    expect(update.code).toBe(2)
    expect(update.stderr).toContain('[UNKNOWN_SYSTEM]')
    expect((await project.vmimage('pin', '--remove', 'acme:1')).code).toBe(0)
    expect(project.keys()).toEqual([])
  })

  test.each([
    ['nothing to remove', ['--remove'], 'Name what is to be removed'],
    ['what is not pinned', ['--remove', 'acme:7'], 'Pinned: acme x86_64'],
    ['both at once', ['--remove', '--update', 'acme'], 'contradict each other'],
    ['a file', ['./disk.qcow2'], 'it lies on this machine'],
    ['nothing to update', ['--pin-file', 'none.json', '--update'], 'vmimage pin fedora'],
    ['a file that is none', ['--pin-file', 'vmimage.config.json'], 'lockfileVersion'],
  ])('refuses %s with 2, and changes nothing', async (_, args, said) => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin')
    const before = project.text()
    const { code, stderr } = await project.vmimage('pin', ...args)
    expect(code).toBe(2)
    expect(stderr).toContain(said)
    expect(project.text()).toBe(before)
  })
})

describe('architectures', () => {
  test('each is a stanza of its own, and --update moves all of them', async () => {
    // The publisher has files for one only, which this provider takes for both.
    const archNames = { x86_64: 'x86_64', aarch64: 'x86_64' }
    await using project = await startProject({ providers: [{ ...acme, archNames }] })
    project.publisher.publish('1', '1')
    await project.vmimage('--arch', 'aarch64', 'pin')
    expect(project.keys()).toEqual(['acme aarch64'])
    await project.vmimage('--arch', 'x86_64,aarch64', 'pin')
    expect(project.keys()).toEqual(['acme aarch64', 'acme x86_64'])
    project.publisher.publish('1', '2')
    const { stdout } = await project.vmimage('pin', '--update', 'acme')
    expect(stdout.match(/moved/g)).toHaveLength(2)
    project.publisher.publish('1', '3')
    await project.vmimage('--arch', 'aarch64', 'pin', '--update')
    expect(readPins(project.file)).toMatchObject({
      'acme aarch64': { build: '3' },
      'acme x86_64': { build: '2' },
    })
    await project.vmimage('pin', '--remove', 'acme')
    expect(project.keys()).toEqual([])
  })
})

describe('vmimage fetch', () => {
  test('takes the pinned build, with one request, and says so', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin')
    project.publisher.publish('1', '2')
    project.publisher.asked()
    const { code, stdout } = await project.vmimage('fetch', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ version: '1', build: '1', trust: 'pinned' }])
    expect(project.publisher.asked()).toEqual([project.publisher.path('1', '1')])
  })

  test.each([
    ['--frozen', {}, ['--frozen'], 2],
    ['CI', { CI: 'true' }, [], 2],
    ['CI and --no-frozen', { CI: 'true' }, ['--no-frozen'], 0],
    ['neither', {}, [], 0],
    ['VMIMAGE_FROZEN=1 and --no-frozen', { VMIMAGE_FROZEN: '1' }, ['--no-frozen'], 0],
  ])('of what is not pinned, with %s', async (_, env, flags, expected) => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin')
    const { code, stderr } = await project.vmimageIn('', env, 'fetch', ...flags, 'acme:1')
    expect(code).toBe(expected)
    expect(stderr.includes('[NOT_PINNED]')).toBe(expected === 2)
  })

  test.each([
    ['in CI without pins goes on', { CI: 'true' }, [], 0],
    ['--frozen without pins is an error', {}, ['--frozen'], 2],
  ])('%s', async (_, env, flags, expected) => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    expect((await project.vmimageIn('', env, 'fetch', ...flags)).code).toBe(expected)
  })

  test('finds the pins from directories below, and by option and variable elsewhere', async () => {
    await using project = await startProject({ images: [] })
    project.publisher.publish('1', '1')
    mkdirSync(join(project.publisher.directory, 'packages/a'), { recursive: true })
    expect((await project.vmimageIn('packages/a', {}, 'pin', 'acme')).code).toBe(0)
    expect(project.keys()).toEqual(['acme x86_64'])
    expect((await project.vmimageIn('packages/a', {}, 'fetch', '--frozen', 'acme')).code).toBe(0)
    const elsewhere = join(project.publisher.directory, 'elsewhere.json')
    await project.vmimageIn('', { VMIMAGE_PIN_FILE: elsewhere }, 'pin', 'acme:1')
    expect(existsSync(elsewhere)).toBe(true)
    expect((await project.vmimage('--pin-file', elsewhere, 'fetch', '--frozen', 'acme:1')).code).toBe(0)
    expect((await project.vmimage('fetch', '--frozen', 'acme:1')).code).toBe(2)
  })

  test('a conflict that nobody has resolved is named by its line', async () => {
    await using project = await startProject()
    project.publisher.publish('1', '1')
    await project.vmimage('pin')
    writeFileSync(project.file, project.text().replace('  "acme', '<<<<<<< HEAD\n  "acme'))
    const { code, stderr } = await project.vmimage('fetch')
    expect(code).toBe(2)
    expect(stderr).toContain('line 2 is a mark of a merge conflict')
  })
})
