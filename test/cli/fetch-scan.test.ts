/** `vmimage fetch --scan` in a project whose tests ask publishers on the loopback for images. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.js'
import { type CommandLine, finish, main, openCommandLine, type Output } from './command.js'

let commandLine: CommandLine
beforeAll(async () => (commandLine = await openCommandLine()))
afterAll(() => commandLine[Symbol.asyncDispose]())

interface Project extends AsyncDisposable {
  readonly path: string
  vmimage(...args: readonly string[]): Promise<Output>
  /** With variables besides. */
  vmimageWith(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Output>
}

async function openProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const directory = await tempDir()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory.path, name)), { recursive: true })
    writeFileSync(join(directory.path, name), text)
  }
  const vmimageWith: Project['vmimageWith'] = (env, ...args) =>
    finish(
      spawn(process.execPath, [main, '--arch', 'x86_64', ...args], {
        cwd: directory.path,
        env: {
          ...commandLine.environment(join(directory.path, '.cache')),
          VMIMAGE_IMAGES: '',
          CI: '',
          ...env,
        },
      }),
    )
  return {
    path: directory.path,
    vmimageWith,
    vmimage: (...args) => vmimageWith({}, ...args),
    [Symbol.asyncDispose]: directory[Symbol.asyncDispose],
  }
}

const use = (...images: readonly string[]) =>
  `import { useVmImage } from 'vmimage/vitest'\n${images.map((image) => `useVmImage(${image})\n`).join('')}`

/** The systems of the rows on standard output. */
const systems = ({ stdout }: Output) =>
  stdout.split('\n').flatMap((row) => /^\w+ [\d.]+/.exec(row)?.[0] ?? [])

describe('vmimage fetch --scan', () => {
  test('fetches what the sources ask for, says where it was found, and what it cannot tell', async () => {
    await using project = await openProject({
      'test/a.test.ts': `import './disks.js'\n${use(`'fedora:41'`, 'pick()')}`,
      'test/disks.ts': use(`{ name: 'debian', version: '13', size: '20G' }`),
      'test/b.test.ts': use(`'fedora:41'`),
      'node_modules/other/index.js': use(`'ubuntu'`),
    })
    const output = await project.vmimage('fetch', '--scan')
    expect(output.code).toBe(0)
    expect(systems(output)).toEqual(['Fedora 41', 'Debian 13'])
    expect(output.stderr).toContain('found "fedora:41" at test/a.test.ts:3, test/b.test.ts:2\n')
    expect(output.stderr).toContain(
      'found { name: "debian", version: "13", size: "20G" } at test/disks.ts:2\n',
    )
    expect(output.stderr).toContain(
      'vmimage: cannot tell which image is meant at test/a.test.ts:4 (useVmImage(pick())): list it in images\n',
    )
    expect(output.stderr).not.toContain('ubuntu')
  })

  test('reads the directories and the files that are named, and what they import', async () => {
    await using project = await openProject({
      'unit/a.test.ts': use(`'fedora:41'`),
      'system/a.test.ts': use(`'debian:13'`),
      'system/b.test.ts': `import '../common/disks'`,
      'common/disks.ts': use(`'debian:12'`),
      'common/more.ts': use(`'ubuntu:24.04'`),
    })
    expect(systems(await project.vmimage('fetch', '--scan', 'system', 'unit/a.test.ts'))).toEqual([
      'Debian 13',
      'Fedora 41',
      'Debian 12',
    ])
  })

  test('with --json prints one array, with each image once, those of the configuration too', async () => {
    await using project = await openProject({
      'a.test.ts': use(`'debian:13'`, `{ name: 'debian', version: 13, size: '9G' }`, `'fedora:41'`, 'pick()'),
    })
    const output = await project.vmimageWith(
      { VMIMAGE_IMAGES: 'debian:12 fedora:41' },
      'fetch',
      '--scan',
      '--json',
    )
    expect(JSON.parse(output.stdout)).toMatchObject([
      { name: 'Debian', version: '13' },
      { name: 'Fedora', version: '41' },
      { name: 'Debian', version: '12' },
    ])
    expect(output.stderr).toContain('cannot tell which image is meant at a.test.ts:5')
  })

  test.each([
    ['no source', {}, '0 source files from "." on ask for no image, and "'],
    ['no call', { 'a.test.ts': '' }, '1 source files'],
    ['a call that cannot be read', { 'a.test.ts': use('pick()') }, 'at a.test.ts:2 (useVmImage(pick()))'],
    [
      'files of this machine',
      { 'a.test.ts': use(`'./disk.qcow2'`) },
      'ask for no image but files of this machine',
    ],
    ['a name that nobody has', { 'a.test.ts': use(`'fedoar'`) }, 'a.test.ts:2: [UNKNOWN_SYSTEM]'],
  ])('has nothing to fetch where there is %s, and says so', async (_, files, text) => {
    await using project = await openProject(files)
    const output = await project.vmimage('fetch', '--scan')
    expect(output).toMatchObject({ code: 2, stdout: '' })
    expect(output.stderr).toContain('[INVALID_REQUEST] Cannot fetch')
    expect(output.stderr).toContain('--scan test')
    expect(output.stderr).toContain(text)
  })

  test('is not kept from the others by what cannot be read or asked for', async () => {
    await using project = await openProject({
      'a.test.ts': use(`'fedoar'`, `'./not-there.qcow2'`, `'debian:13'`),
      'b.test.ts': `${use(`'fedora'`)}}}}`,
    })
    const output = await project.vmimage('fetch', '--scan')
    expect(output.code).toBe(0)
    expect(systems(output)).toEqual(['Debian 13'])
    expect(output.stderr).toContain('vmimage: a.test.ts:2: [UNKNOWN_SYSTEM]')
    expect(output.stderr).toContain('vmimage: cannot read b.test.ts:3: Unexpected token')
  })

  test('with --frozen fetches what is pinned, and ends as it does when something is not', async () => {
    await using project = await openProject({ 'a.test.ts': use(`'debian:13'`) })
    await project.vmimage('--pin-file', 'pins.json', 'pin', 'debian:13')
    const frozen = ['--pin-file', 'pins.json', 'fetch', '--scan', '--frozen']
    const pinned = await project.vmimage(...frozen)
    expect([pinned.code, systems(pinned)]).toEqual([0, ['Debian 13']])
    writeFileSync(join(project.path, 'b.test.ts'), use(`'fedora:41'`))
    const other = await project.vmimage(...frozen)
    expect([other.code, systems(other)]).toEqual([2, ['Debian 13']])
    expect(other.stderr).toContain('[NOT_PINNED]')
  })

  test('refuses a path that does not exist', async () => {
    await using project = await openProject({})
    const output = await project.vmimage('fetch', '--scan', 'fedora')
    expect(output).toMatchObject({ code: 2, stdout: '' })
    expect(output.stderr).toContain('Cannot scan "fedora": it does not exist')
    expect(output.stderr).toContain('names of images go without it')
  })
})

describe('the other commands that are about the images of the tests', () => {
  test('vmimage pin --scan pins what the sources ask for', async () => {
    await using project = await openProject({ 'a.test.ts': use(`'debian:13'`, `'fedora:41'`) })
    const output = await project.vmimage('--pin-file', 'pins.json', 'pin', '--scan')
    expect(output.code, output.stderr).toBe(0)
    const pins: unknown = JSON.parse(readFileSync(join(project.path, 'pins.json'), 'utf8'))
    expect(JSON.stringify(pins)).toMatch(/debian:13.*fedora:41/)
  })

  test('vmimage cache-key --scan makes the key that the same images make by their names', async () => {
    await using project = await openProject({ 'a.test.ts': use(`'debian:13'`) })
    const scanned = await project.vmimage('cache-key', '--scan')
    expect(scanned.code, scanned.stderr).toBe(0)
    expect(scanned.stdout).toBe((await project.vmimage('cache-key', 'debian:13')).stdout)
    expect(scanned.stdout).not.toBe((await project.vmimage('cache-key', 'debian:12')).stdout)
  })

  test("a configuration with images: 'auto' needs no --scan", async () => {
    await using project = await openProject({ 'a.test.ts': use(`'debian:13'`) })
    // In place of that of the publishers, which has the key that Fedora's files are signed with here.
    writeFileSync(join(project.path, 'auto.json'), '{ "images": "auto" }')
    const output = await project.vmimage('--config', 'auto.json', 'fetch')
    expect(output.code, output.stderr).toBe(0)
    expect(systems(output)).toEqual(['Debian 13'])
  })
})
