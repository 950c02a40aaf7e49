/** `vmimage list`, `prune` and `rm` on a cache that others use: what they print, and what they leave. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { leasePath } from '../../src/store/layout.js'
import { touchImage } from '../../src/store/last-use.js'
import { takeLease } from '../../src/store/lease.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { openRunDirectory } from '../../src/store/run-directory.js'
import { markTest, recordRun } from '../../src/store/run-record.js'
import { type CacheOfImages, cacheOfImages, keyOf } from '../support/cached-images.js'
import { finish, main } from './command.js'

function vmimage({ context, directory }: CacheOfImages, ...args: readonly string[]) {
  const { VMIMAGE_MAX_CACHE_SIZE: _size, VMIMAGE_MAX_CACHE_AGE: _age, ...rest } = process.env
  const env = { ...rest, VMIMAGE_CACHE_DIR: context.cacheDir, VMIMAGE_OVERLAY_DIR: context.overlayDir }
  return finish(spawn(process.execPath, [main, ...args], { cwd: directory, env }))
}

/** A run of this process that holds the image, with a disk of one test on it. */
async function holdImage(cache: CacheOfImages, key: string) {
  const run = await openRunDirectory(cache.context)
  recordRun(String(run.leaseDir), run.overlayDir)
  takeLease(cache.layout, run.leaseDir, key)
  touchImage(cache.layout, key)
  const overlay = join(run.overlayDir, 'disk.qcow2')
  writeFileSync(overlay, 'overlay')
  markTest(overlay, leasePath(String(run.leaseDir), key), 'boots.test.ts > boots')
  return run
}

describe('vmimage prune', () => {
  test('removes what is too old, says what stays and who holds it, and what dead runs left', async () => {
    await using cache = await cacheOfImages()
    const held = cache.publish('Held', 40)
    for (const [name, days] of [
      ['Old', 35],
      ['Young', 3],
      ['Fresh', 0],
    ] as const)
      cache.publish(name, days)
    await using _ = await holdImage(cache, held)
    const dead = join(cache.layout.runs, nobody())
    mkdirSync(dead)
    mkdirSync(join(cache.context.overlayDir, 'kept/boots-1'))
    const dry = await vmimage(cache, 'prune', '--dry-run')
    expect(readdirSync(cache.layout.images)).toHaveLength(4)
    const { code, stdout, stderr } = await vmimage(cache, 'prune')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(
        /^removed Old 1 x86_64 \w{12}, 64 KiB: not used for too long, last used \d{4}-\d\d-\d\d$/,
      ),
      // A lease is a use, so the one that is held was used last.
      expect.stringMatching(/^kept Fresh 1 .*fetched less than an hour ago$/),
      expect.stringMatching(
        new RegExp(
          `^kept Held 1 .*in use by process ${process.pid} since .*\\(project .*, test "boots.test.ts > boots"\\)$`,
        ),
      ),
      'kept 1 more within the limits, 64 KiB',
      expect.stringContaining(`removed the directory of a dead run`),
      'freed 64 KiB',
      expect.stringMatching(/^The disks of 1 failed test are kept, .*rm -r .*kept/),
    ])
    // A directory that is empty takes a block on some file systems, which is none of this test's business.
    expect(dry.stdout.replaceAll('would remove', 'removed').replaceAll('would free', 'freed')).toBe(stdout)
    expect(readdirSync(cache.layout.images).toSorted()).toEqual(
      ['Held', 'Young', 'Fresh'].map(keyOf).toSorted(),
    )
  })

  test.each([
    [['--max-size', '100K'], ['c']],
    [['--max-size', '0'], []],
    [['--max-age', '2d'], ['c']],
    [
      ['--max-age', '60h'],
      ['b', 'c'],
    ],
    [['--all'], []],
    [[], ['a', 'b', 'c']],
  ])('%o leaves %o', async (args, left) => {
    await using cache = await cacheOfImages()
    cache.publish('a', 4)
    cache.publish('b', 2.2)
    cache.publish('c', 1)
    const { code, stdout } = await vmimage(cache, 'prune', '--json', ...args)
    expect(code).toBe(0)
    expect(readdirSync(cache.layout.images).toSorted()).toEqual(left.map(keyOf).toSorted())
    const { removed, stayed, freedBytes } = JSON.parse(stdout) as {
      removed: { why: string }[]
      stayed: { why: string; holders: unknown[] }[]
      freedBytes: number
    }
    expect(removed).toHaveLength(3 - left.length)
    expect(stayed).toHaveLength(left.length)
    expect(freedBytes).toBe((3 - left.length) * 65_536)
  })

  test.each([
    [['--max-size', '20GB'], '20G'],
    [['--max-age', 'soon'], '30d'],
  ])('%o is an error with a cure', async (args, cure) => {
    await using cache = await cacheOfImages()
    expect(await vmimage(cache, 'prune', ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(cure),
    })
  })

  test('says that another one is at it', async () => {
    await using cache = await cacheOfImages()
    writeFileSync(join(cache.layout.locks, 'gc'), newOwner())
    expect(await vmimage(cache, 'prune')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[COLLECTING]'),
    })
  })

  test('has nothing to do where there is no cache, and makes none', async () => {
    await using cache = await cacheOfImages()
    const nowhere = join(cache.directory, 'nowhere')
    const { code, stdout } = await vmimage(cache, '--cache-dir', nowhere, 'prune')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'freed 0 B\n' })
    expect(readdirSync(cache.directory)).not.toContain('nowhere')
  })
})

describe('vmimage rm', () => {
  test.each([
    'Debian',
    'debian',
    'debian:1',
    `sha256:${keyOf('Debian').slice(7)}`,
    keyOf('Debian'),
    keyOf('Debian').slice(7, 19),
  ])('%s means the image', async (name) => {
    await using cache = await cacheOfImages()
    cache.publish('Debian', 0)
    const other = cache.publish('Fedora')
    const { code, stdout } = await vmimage(cache, 'rm', name)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^removed Debian 1 x86_64 \w{12}, 64 KiB\nfreed 64 KiB\n$/)
    expect(readdirSync(cache.layout.images)).toEqual([other])
  })

  test('removes nothing of what was named when one of them is in use, and says who holds it', async () => {
    await using cache = await cacheOfImages()
    const key = cache.publish('Fedora')
    cache.publish('Debian')
    await using _ = await holdImage(cache, key)
    const { code, stdout, stderr } = await vmimage(cache, 'rm', 'debian', 'fedora')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`\\[IMAGE_IN_USE\\].*process ${process.pid} since .*test "boots.test.ts > boots"`),
    )
    expect(readdirSync(cache.layout.images)).toHaveLength(2)
  })

  test.each(['ubuntu', 'debian:2', 'sha256-abcdef'])(
    '%s is in no cache, and the error lists what is',
    async (name) => {
      await using cache = await cacheOfImages()
      cache.publish('Debian')
      const { code, stderr } = await vmimage(cache, 'rm', name)
      expect(code).toBe(3)
      expect(stderr).toMatch(/\[UNKNOWN_IMAGE\][^]*There are:\n {2}Debian 1 x86_64/)
    },
  )
})

describe('vmimage list', () => {
  test('shows last use and holders, and what else takes room', async () => {
    await using cache = await cacheOfImages()
    cache.publish('Debian', 2)
    const key = cache.publish('Fedora')
    await using _ = await holdImage(cache, key)
    const { stdout } = await vmimage(cache, 'list')
    expect(stdout).toMatch(
      new RegExp(
        `^NAME .*LAST USE +KEY +HELD BY\\nFedora +1 +- +x86_64 +checksum +64 KiB +[\\d-]{10} +\\w{12} +process ${process.pid}\\n` +
          `Debian .* -\\n\\nHeld:\\n\\w{12} +process ${process.pid} since [^\\n]*\\(project [^\\n]*, test "boots.test.ts > boots"\\)\\n\\nBesides: 1 overlay \\([\\d.]+ \\w+\\)\\n$`,
      ),
    )
    const images = JSON.parse((await vmimage(cache, 'list', '--json')).stdout) as unknown
    expect(images).toMatchObject([
      {
        name: 'Fedora',
        key,
        holders: [{ kind: 'process', tests: ['boots.test.ts > boots'], project: process.cwd() }],
      },
      { name: 'Debian', holders: [] },
    ])
  })
})
