import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configFiles, findConfigFile } from '../../src/config/find-config.js'
import { tempDir } from '../support/temp-dir.js'

/** A directory with a few files, by their paths, and directories, whose paths end in a slash. */
async function tree(files: Readonly<Record<string, string>>) {
  const directory = await tempDir()
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory.path, path)
    mkdirSync(path.endsWith('/') ? file : dirname(file), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(file, content)
  }
  return directory
}

describe('findConfigFile()', () => {
  test('finds each form, the first of several', async () => {
    await using project = await tree(Object.fromEntries(configFiles.map((name) => [name, ''])))
    for (const name of configFiles) {
      const file = join(project.path, name)
      expect(findConfigFile(project.path)).toBe(file)
      rmSync(file)
    }
    expect(findConfigFile(project.path)).toBeUndefined()
  })

  test('finds a package.json with the key', async () => {
    await using project = await tree({ 'package.json': '{ "vmimage": {} }' })
    expect(findConfigFile(project.path)).toBe(join(project.path, 'package.json'))
  })

  test('goes upwards, past a package.json without the key', async () => {
    await using project = await tree({
      'vmimage.config.json': '',
      'packages/a/package.json': '{}',
      '.git/': '',
    })
    expect(findConfigFile(join(project.path, 'packages/a'))).toBe(join(project.path, 'vmimage.config.json'))
  })

  test('takes the nearest', async () => {
    await using project = await tree({ 'vmimage.config.ts': '', 'a/package.json': '{ "vmimage": {} }' })
    expect(findConfigFile(join(project.path, 'a'))).toBe(join(project.path, 'a/package.json'))
  })

  test('does not leave the repository', async () => {
    await using project = await tree({ 'vmimage.config.json': '', 'a/.git': 'gitdir: elsewhere', 'a/b/': '' })
    expect(findConfigFile(join(project.path, 'a/b'))).toBeUndefined()
  })

  test('does not look into a directory like /tmp', async () => {
    await using shared = await tree({ 'vmimage.config.mjs': '', 'a/b/': '' })
    expect(findConfigFile(join(shared.path, 'a/b'))).toBeDefined()
    chmodSync(shared.path, 0o1777)
    expect(findConfigFile(join(shared.path, 'a/b'))).toBeUndefined()
    expect(findConfigFile(shared.path)).toBeUndefined()
  })

  test('refuses a package.json that is no JSON', async () => {
    await using project = await tree({ 'package.json': '{' })
    expect(() => findConfigFile(project.path)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining(join(project.path, 'package.json')),
      }),
    )
  })
})
