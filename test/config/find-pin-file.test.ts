import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findPinFile, newPinFile } from '../../src/config/find-pin-file.js'
import { loadConfig } from '../../src/config/load-config.js'
import { tempDir } from '../support/temp-dir.js'

async function makeTree(files: Readonly<Record<string, string>>) {
  const { path, ...directory } = await tempDir()
  mkdirSync(join(path, 'packages/a'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return { ...directory, in: (name: string) => join(path, name) }
}

const lock = 'vmimage.lock.json'

test.each([
  ['nowhere', [], undefined, undefined],
  ['here', [`packages/a/${lock}`, lock], undefined, `packages/a/${lock}`],
  ['above', [lock], undefined, lock],
  [
    'beside the configuration before one that is nearer',
    [`packages/a/${lock}`, lock],
    'vmimage.config.json',
    lock,
  ],
  ['upwards when there is none beside the configuration', [lock], 'packages/vmimage.config.json', lock],
])('a pin file is found %s', async (_, files, config, found) => {
  await using tree = await makeTree(Object.fromEntries(files.map((file) => [file, ''])))
  const path = findPinFile(tree.in('packages/a'), config && tree.in(config))
  expect(path).toBe(found && tree.in(found))
})

test('a pin file above the top of the repository is not found', async () => {
  await using tree = await makeTree({ [lock]: '', 'packages/.git': '' })
  expect(findPinFile(tree.in('packages/a'), undefined)).toBeUndefined()
})

test.each([
  ['beside the configuration', { 'packages/package.json': '{}' }, 'vmimage.config.json', lock],
  ['beside the nearest package.json', { 'packages/package.json': '{}' }, undefined, `packages/${lock}`],
  ['here', {}, undefined, `packages/a/${lock}`],
])('a new pin file is made %s', async (_, files, config, made) => {
  await using tree = await makeTree(files)
  expect(newPinFile(tree.in('packages/a'), config && tree.in(config))).toBe(tree.in(made))
})

test('loadConfig() hands out the one that is found, unless the configuration names another', async () => {
  await using tree = await makeTree({ [lock]: '' })
  expect((await loadConfig(tree.in('packages/a'))).options.pinFile).toBe(tree.in(lock))
  writeFileSync(tree.in('vmimage.config.json'), '{}')
  expect((await loadConfig(tree.in('packages/a'))).options.pinFile).toBe(tree.in(lock))
  writeFileSync(tree.in('vmimage.config.json'), '{ "pinFile": "other.json" }')
  expect((await loadConfig(tree.in('packages/a'))).options.pinFile).toBe(tree.in('other.json'))
})
