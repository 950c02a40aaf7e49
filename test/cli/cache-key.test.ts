/** `vmimage cache-key`, and what a CI service does with it: archives the paths, and unpacks them on another day. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.js'
import { imageOf } from './cache-tree.js'
import { type CommandLine, finish, main, openCommandLine, type Output } from './command.js'

let commandLine: CommandLine
beforeAll(async () => {
  commandLine = await openCommandLine()
})
afterAll(() => commandLine[Symbol.asyncDispose]())

const vmimage = (cacheDir: string, ...args: readonly string[]) => commandLine.run(cacheDir, ...args)

/** In a project of its own, whose configuration is found from where the command is run. */
async function inProject(
  directory: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
) {
  const own = { ...commandLine.environment(join(directory, 'cache')), VMIMAGE_CONFIG: '', ...env }
  return finish(spawn(process.execPath, [main, '--arch', 'x86_64', ...args], { cwd: directory, env: own }))
}

async function makeProject(directory: string, images: readonly string[] = ['fedora', 'debian:13']) {
  mkdirSync(join(directory, '.git'))
  writeFileSync(join(directory, 'vmimage.config.json'), JSON.stringify({ images }))
}

const keyOf = ({ stdout }: Output) => (JSON.parse(stdout) as { readonly key: string }).key

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('vmimage cache-key', { timeout: 120_000 }, () => {
  test('has a key for the images of the configuration, and the paths that are worth keeping', async () => {
    await using dir = await tempDir()
    await makeProject(dir.path)
    const { code, stdout } = await inProject(dir.path, {}, 'cache-key')
    expect(code).toBe(0)
    const cache = join(dir.path, 'cache', 'v1')
    expect(stdout).toMatch(
      new RegExp(
        '^key +vmimage-v1-linux-x86_64-[0-9a-f]{16}-\\d{4}w\\d\\d\n(restore-key +vmimage-v1-linux-x86_64-\\S*\n){2}' +
          `path +${cache}/images\npath +${cache}/resolved\npath +${cache}/keys\n$`,
      ),
    )
    expect(existsSync(cache)).toBe(false)
  })

  test('is printed in one form at a time', async () => {
    await using dir = await tempDir()
    const { code, stderr } = await inProject(dir.path, {}, 'cache-key', '--github', '--json')
    expect(code).toBe(2)
    expect(stderr).toContain('Cannot print the key as --json and for --github at once')
  })

  test('--github writes what GITHUB_OUTPUT takes', async () => {
    await using dir = await tempDir()
    await makeProject(dir.path)
    const json = await inProject(dir.path, {}, 'cache-key', '--json')
    const { key, restoreKeys, paths } = JSON.parse(json.stdout) as Record<string, string[]>
    const { stdout } = await inProject(dir.path, {}, 'cache-key', '--github')
    expect(stdout.split('\n')).toEqual([
      `key=${String(key)}`,
      'path<<END_OF_VMIMAGE',
      ...(paths ?? []),
      'END_OF_VMIMAGE',
      'restore-keys<<END_OF_VMIMAGE',
      ...(restoreKeys ?? []),
      'END_OF_VMIMAGE',
      '',
    ])
  })

  test('is another key for other images, more images in VMIMAGE_IMAGES, another architecture', async () => {
    await using dir = await tempDir()
    await makeProject(dir.path)
    const keys = [
      await inProject(dir.path, {}, 'cache-key', '--json'),
      await inProject(dir.path, {}, 'cache-key', '--json', 'fedora'),
      await inProject(dir.path, { VMIMAGE_IMAGES: 'ubuntu' }, 'cache-key', '--json'),
      await inProject(dir.path, {}, 'cache-key', '--json', '--arch', 'aarch64'),
    ].map(keyOf)
    expect(new Set(keys).size).toBe(4)
    expect(keyOf(await inProject(dir.path, {}, 'cache-key', '--json', 'debian:13', 'fedora'))).toBe(keys[0])
  })

  test('goes by the pins, where there are any: beside the configuration, above it, or where they are said to be', async () => {
    await using dir = await tempDir()
    await makeProject(dir.path)
    const inside = join(dir.path, 'packages', 'a')
    mkdirSync(inside, { recursive: true })
    writeFileSync(join(dir.path, 'vmimage.lock.json'), '{}')
    writeFileSync(join(dir.path, 'other.json'), '{ }')
    const key = keyOf(await inProject(dir.path, {}, 'cache-key', '--json'))
    expect(key).toMatch(/^vmimage-v1-linux-x86_64-[0-9a-f]{16}$/)
    expect(keyOf(await inProject(inside, {}, 'cache-key', '--json'))).toBe(key)
    const other = await inProject(dir.path, { VMIMAGE_PIN_FILE: 'other.json' }, 'cache-key', '--json')
    expect(keyOf(other)).not.toBe(key)
    writeFileSync(join(dir.path, 'vmimage.lock.json'), '{ "moved": true }')
    expect(keyOf(await inProject(dir.path, {}, 'cache-key', '--json'))).not.toBe(key)
  })

  test('a file that is used where it lies has no part in it', async () => {
    await using dir = await tempDir()
    await makeProject(dir.path)
    const key = keyOf(await inProject(dir.path, {}, 'cache-key', '--json', 'fedora'))
    expect(keyOf(await inProject(dir.path, {}, 'cache-key', '--json', 'fedora', './ours.qcow2'))).toBe(key)
  })

  test('without any image there is nothing to keep', async () => {
    await using dir = await tempDir()
    await makeProject(dir.path, [])
    const { code, stderr } = await inProject(dir.path, {}, 'cache-key')
    expect(code).toBe(2)
    expect(stderr).toContain('Cannot make a key: no image is named')
  })

  test('its paths alone, archived with times in whole seconds and restored, serve with zero requests', async () => {
    await using dir = await tempDir()
    const { cache, first, archive } = await archiveOf(dir.path)
    restore(archive, '022')
    const asked = commandLine.mirror.requests.length
    const restored = await vmimage(cache, 'fetch', 'fedora', 'debian:13')
    expect(restored).toEqual({ code: 0, stdout: first.stdout, stderr: '' })
    expect(commandLine.mirror.requests).toHaveLength(asked)
    expect(statSync(imageOf(cache, 'Fedora').path).mode & 0o777).toBe(0o444)
    expect(readdirSync(join(cache, 'v1')).toSorted()).toEqual(['images', 'keys', 'resolved'])
  })

  test("restored under GitLab's umask 0000 it is refused, and serves after the chmod of the recipe", async () => {
    await using dir = await tempDir()
    const { cache, archive } = await archiveOf(dir.path)
    restore(archive, '000')
    const refused = await vmimage(cache, 'fetch', 'ubuntu:24.04')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('[CACHE_UNSAFE]') })
    execFileSync('chmod', ['go-w', cache, join(cache, 'v1')])
    const asked = commandLine.mirror.requests.length
    expect((await vmimage(cache, 'fetch', 'fedora', 'debian:13')).code).toBe(0)
    expect(commandLine.mirror.requests).toHaveLength(asked)
  })
})

/** A filled cache, archived by what the command prints, and gone. */
async function archiveOf(directory: string) {
  const cache = join(directory, 'home', 'cache')
  const first = await vmimage(cache, 'fetch', 'fedora', 'debian:13')
  const { stdout } = await vmimage(cache, 'cache-key', '--json', 'fedora', 'debian:13')
  const { paths } = JSON.parse(stdout) as { readonly paths: readonly string[] }
  const archive = join(directory, 'cache.tar')
  // This format has whole seconds, as GitLab's zip; that of GitHub (pax) keeps all of them.
  execFileSync('tar', ['--format=gnu', '-P', '-cf', archive, ...paths])
  rmSync(dirname(cache), { recursive: true })
  return { cache, first, archive }
}

function restore(archive: string, umask: string): void {
  execFileSync('sh', ['-c', `umask ${umask} && tar -P -xf "$1"`, 'sh', archive])
}
