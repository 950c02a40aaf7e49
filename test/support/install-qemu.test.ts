import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from './temp-dir.js'

const programs = ['qemu-img', 'qemu-io', 'qemu-storage-daemon', 'qemu-system-x86_64', 'gpgv']
const module = new URL('install-qemu.ts', import.meta.url).href

/** Runs the setup in a process that finds programs in `path` only. */
function runSetup(path: string) {
  const script = `import(${JSON.stringify(module)}).then(({ setup }) => setup())`
  return spawnSync(process.execPath, ['--import', 'tsx', '--eval', script], {
    env: { PATH: path },
    encoding: 'utf8',
  })
}

function addProgram(directory: string, name: string, script = ''): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}`, { mode: 0o755 })
}

test('setup() does nothing when all programs are there', async () => {
  await using dir = await tempDir()
  for (const program of programs) addProgram(dir.path, program)
  const { status, stdout } = runSetup(dir.path)
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

test('setup() installs what is missing through apt', async () => {
  await using dir = await tempDir()
  const log = join(dir.path, 'log')
  const makePrograms = programs.map((name) => `/bin/cp "$0" "${join(dir.path, name)}"`).join('\n')
  addProgram(dir.path, 'sudo', 'shift; exec "$@"')
  addProgram(dir.path, 'apt-get', `echo "$@" >> "${log}"\nif [ "$2" = install ]; then\n${makePrograms}\nfi`)
  const { status, stdout } = runSetup(dir.path)
  expect(status).toBe(0)
  expect(readFileSync(log, 'utf8').split('\n')).toEqual([
    '-q update',
    '-q install -y --no-install-recommends qemu-utils qemu-system-common qemu-system-x86 gpgv',
    '',
  ])
  expect(stdout).toContain('They are installed.')
})

test('setup() fails with the command to type where there is no apt', async () => {
  await using dir = await tempDir()
  addProgram(dir.path, 'qemu-img')
  const { status, stderr } = runSetup(dir.path)
  expect(status).not.toBe(0)
  expect(stderr).toContain(
    'The tests need qemu-io, qemu-storage-daemon, qemu-system-x86_64, gpgv, and could not install them.',
  )
  expect(stderr).toContain(
    'Type: sudo apt-get -q update && sudo apt-get -q install -y --no-install-recommends qemu-utils qemu-system-common qemu-system-x86 gpgv',
  )
})

test.each([
  ['apt fails', 'exit 100'],
  ['apt succeeds without the programs', 'exit 0'],
])('setup() fails with the command to type when %s', async (_, script) => {
  await using dir = await tempDir()
  addProgram(dir.path, 'sudo', 'shift; exec "$@"')
  addProgram(dir.path, 'apt-get', script)
  const { status, stderr } = runSetup(dir.path)
  expect(status).not.toBe(0)
  expect(stderr).toContain('Type: sudo apt-get')
})
