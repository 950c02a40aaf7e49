/** `vmimage doctor` on places that were made good and bad. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openIngest } from '../../src/store/ingest.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { nobody } from '../../src/store/owner.js'
import { ensureCache, ensureOverlayDirectories } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'
import { treeOf } from './cache-tree.js'
import { finish, main } from './command.js'

/** In an environment that nothing of this machine's leaks into. */
async function examine(
  directory: string,
  env: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
) {
  const own = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    VMIMAGE_CACHE_DIR: join(directory, 'cache'),
    VMIMAGE_OVERLAY_DIR: join(directory, 'overlays'),
    ...env,
  }
  const command = [main, '--arch', 'x86_64', 'doctor', ...args]
  return finish(spawn(process.execPath, command, { cwd: directory, env: own }))
}

interface Told {
  readonly topic: string
  readonly level: string
  readonly text: string
  readonly cure?: string
}

async function findingsIn(directory: string, env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await examine(directory, env, '--json')
  const findings = JSON.parse(stdout) as readonly Told[]
  return { code, of: (topic: string) => findings.filter((finding) => finding.topic === topic) }
}

function fill(directory: string) {
  mkdirSync(join(directory, '.git'))
  const layout = cacheLayout(join(directory, 'cache'))
  ensureCache(layout)
  ensureOverlayDirectories(join(directory, 'overlays'))
  return layout
}

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('vmimage doctor', { timeout: 120_000 }, () => {
  test('says what it found, changes nothing, and ends with 0', async () => {
    await using dir = await tempDir()
    fill(dir.path)
    const before = withoutTimes(dir.path)
    const { code, stdout, stderr } = await examine(dir.path)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const topics = ['programs', 'KVM', 'directories', 'network', 'clock', 'settings', 'names', 'left behind']
    for (const topic of topics) expect(stdout).toMatch(new RegExp(`^(ok|note) +${topic} `, 'm'))
    expect(stdout).toMatch(/\n0 problems, \d+ notes?\n$/)
    expect(withoutTimes(dir.path)).toEqual(before)
  })

  test('makes nothing where there is nothing yet', async () => {
    await using dir = await tempDir()
    const { code, stdout } = await examine(dir.path)
    expect(code).toBe(0)
    expect(stdout).toContain(`base images: ${join(dir.path, 'cache')} (not there yet): writable, `)
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('names programs that are missing, and what for', async () => {
    await using dir = await tempDir()
    const { code, of } = await findingsIn(dir.path, { PATH: dir.path })
    expect(code).toBe(0)
    expect(of('programs').map(({ level }) => level)).toEqual(Array(6).fill('note'))
    expect(of('programs')).toContainEqual({
      topic: 'programs',
      level: 'note',
      text: 'zstd is not installed: .zst images need it',
      cure: 'sudo apt install zstd',
    })
  })

  test('a program that is there and does not run is a problem', async () => {
    await using dir = await tempDir()
    writeFileSync(join(dir.path, 'xz'), '#!/bin/sh\necho "libfoo.so: not found" >&2\nexit 127\n', {
      mode: 0o755,
    })
    const { code, of } = await findingsIn(dir.path, { PATH: dir.path })
    expect(code).toBe(1)
    expect(of('programs')).toContainEqual(
      expect.objectContaining({
        level: 'problem',
        text: expect.stringMatching(/^xz does not run: .*libfoo/),
      }),
    )
  })

  test.each<[string, (layout: ReturnType<typeof fill>) => void]>([
    ['a cache that everybody can write', ({ cacheDir }) => chmodSync(cacheDir, 0o777)],
    ['images that everybody can write', ({ images }) => chmodSync(images, 0o702)],
  ])('%s is a problem, with its cure', async (_, spoil) => {
    await using dir = await tempDir()
    spoil(fill(dir.path))
    const { code, of } = await findingsIn(dir.path)
    expect(code).toBe(1)
    expect(of('directories')[0]).toMatchObject({
      level: 'problem',
      text: expect.stringContaining('everybody can write to it'),
      cure: expect.stringMatching(/^Run: chmod o-w/),
    })
  })

  test('a directory that cannot be made, and a layer that is not there, are problems', async () => {
    await using dir = await tempDir()
    const env = { VMIMAGE_OVERLAY_DIR: '/proc/vmimage', VMIMAGE_EXTRA_CACHE_DIRS: join(dir.path, 'none') }
    const { code, of } = await findingsIn(dir.path, env)
    expect(code).toBe(1)
    expect(of('directories').filter(({ level }) => level === 'problem')).toEqual([
      expect.objectContaining({
        text: expect.stringMatching(/^overlays: \/proc\/vmimage .*cannot be written/),
      }),
      expect.objectContaining({ text: expect.stringMatching(/^layer: .*none: .*ENOENT/) }),
    ])
  })

  test('knows the configuration, the pins, and who said what', async () => {
    await using dir = await tempDir()
    mkdirSync(join(dir.path, '.git'))
    const config = join(dir.path, 'vmimage.config.json')
    writeFileSync(config, JSON.stringify({ keepLast: 2, keep: 'always' }))
    writeFileSync(join(dir.path, 'vmimage.lock.json'), '{}')
    const { of } = await findingsIn(dir.path, { VMIMAGE_KEEP: 'never' })
    expect(of('settings').map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        `configuration: ${config}`,
        `pins: ${join(dir.path, 'vmimage.lock.json')}`,
        `keepLast = 2  (${config})`,
        'keep = never  (VMIMAGE_KEEP)',
        'arch = x86_64  (option)',
        'maxResolveAgeHours = 24  (default)',
      ]),
    )
  })

  test('counts what dead processes left, and nothing of the living', async () => {
    await using dir = await tempDir()
    const layout = fill(dir.path)
    const overlays = join(dir.path, 'overlays')
    const alive = openIngest(layout, 'sha256-aa')
    for (const parent of [layout.runs, overlayRuns(overlays)]) mkdirSync(join(parent, nobody()))
    const partial = join(layout.ingest, 'sha256-bb', nobody())
    mkdirSync(partial, { recursive: true })
    writeFileSync(join(partial, 'part'), Buffer.alloc(1024 ** 2, 1))
    for (const [name, owner] of [
      ['sha256-bb', nobody()],
      ['sha256-cc', alive.directory.slice(alive.directory.lastIndexOf('/') + 1)],
    ] as const) {
      mkdirSync(join(layout.locks, `${name}.lock`))
      writeFileSync(join(layout.locks, `${name}.owner.json`), JSON.stringify({ owner, lock: '1:1' }))
    }
    mkdirSync(join(layout.trash, nobody()))
    mkdirSync(join(keptDirectory(overlays), 'a-test-1'))
    const { code, of } = await findingsIn(dir.path)
    expect(code).toBe(0)
    expect(of('left behind').map(({ text }) => text.replace(/:.*/, ''))).toEqual([
      '2 directories of dead runs',
      expect.stringMatching(/^1 download that was broken off \(1(\.\d+)? MiB\)$/),
      '1 lock of a dead process',
      '1 entry in the trash',
      '1 disk of a failed test kept',
    ])
    expect(existsSync(partial)).toBe(true)
  })

  test('a clock that is behind the cache is a problem', async () => {
    await using dir = await tempDir()
    const layout = fill(dir.path)
    writeFileSync(join(layout.resolved, 'a.json'), '{')
    const tomorrow = Date.now() / 1000 + 86_400
    utimesSync(join(layout.resolved, 'a.json'), tomorrow, tomorrow)
    const { code, of } = await findingsIn(dir.path)
    expect(code).toBe(1)
    expect(of('clock')).toEqual([expect.objectContaining({ level: 'problem' })])
  })
})

/** Making and removing its scratch directory changes the times of the directory that it is in. */
function withoutTimes(directory: string) {
  return JSON.stringify(treeOf(directory)).replaceAll(/"mtimeMs":[\d.]+,?/g, '')
}
