import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  allIngestedBytes,
  claimableBytes,
  copyUnclaimed,
  ingestedBytes,
  openIngest,
} from '../../src/store/ingest.js'
import { type CacheLayout, cacheLayout } from '../../src/store/layout.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { ensureCache } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'

function makeLayout(cacheDir: string): CacheLayout {
  const layout = cacheLayout(cacheDir)
  ensureCache(layout)
  return layout
}

/** What a process of the name `owner` left behind. */
function leave(
  layout: CacheLayout,
  files: { readonly part?: string; readonly disk?: string },
  owner = nobody(),
) {
  const directory = join(layout.ingest, 'k', owner)
  mkdirSync(join(directory, 'pub'), { recursive: true })
  if (files.part !== undefined) writeFileSync(join(directory, 'part'), files.part)
  if (files.disk !== undefined) writeFileSync(join(directory, 'pub', 'disk'), files.disk)
  return directory
}

/** An owner that cannot be judged from here. */
const stranger = () => newOwner().replace(/^.{8}/, '00000000')

/** A day and a bit ago. */
function silence(directory: string): void {
  const then = new Date(Date.now() - 25 * 3_600_000)
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
    utimesSync(join(directory, name), then, then)
  utimesSync(directory, then, then)
}

describe('openIngest()', () => {
  test('fault 2, partials of dead processes are left: one rename claims the largest, and the rest is removed', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    for (const part of ['1', '333', '22']) leave(layout, { part, disk: 'unpacked' })
    const ingest = openIngest(layout, 'k')
    expect(readFileSync(join(ingest.directory, 'part'), 'utf8')).toBe('333')
    expect(readdirSync(join(layout.ingest, 'k'))).toHaveLength(1)
    expect(readdirSync(layout.trash)).toEqual([])
    expect(readdirSync(ingest.staging)).toEqual([])
  })

  test('fault 3, a process dies between verifying and publishing: its bytes become the part of the next, which hashes them', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    leave(layout, { part: 'half' })
    chmodSync(join(leave(layout, { disk: 'complete' }), 'pub', 'disk'), 0o444)
    const ingest = openIngest(layout, 'k')
    const part = join(ingest.directory, 'part')
    expect(readFileSync(part, 'utf8')).toBe('complete')
    expect(statSync(part).mode & 0o777).toBe(0o600)
    expect(readdirSync(ingest.staging)).toEqual([])
  })

  test('begins anew when nothing was left', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    leave(layout, {})
    const ingest = openIngest(layout, 'k')
    expect(readdirSync(ingest.directory)).toEqual(['pub'])
  })

  test.each([
    ['of this machine that lives', newOwner()],
    ['of another machine', newOwner().replace(/^.{8}/, '00000000')],
  ])('never takes the directory of a process %s', async (_, owner) => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const theirs = leave(layout, { part: 'theirs' }, owner)
    const ingest = openIngest(layout, 'k')
    expect(readdirSync(ingest.directory)).toEqual(['pub'])
    expect(existsSync(join(theirs, 'part'))).toBe(true)
  })

  test('takes the directory of a process of another machine that was silent for a day', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const theirs = leave(layout, { part: 'theirs' }, stranger())
    silence(theirs)
    expect(readFileSync(join(openIngest(layout, 'k').directory, 'part'), 'utf8')).toBe('theirs')
    expect(existsSync(theirs)).toBe(false)
  })

  test('does not call a process silent whose part grows in an old directory', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const theirs = leave(layout, { part: 'theirs' }, stranger())
    silence(theirs)
    writeFileSync(join(theirs, 'part'), 'theirs too')
    expect(readdirSync(openIngest(layout, 'k').directory)).toEqual(['pub'])
  })

  test('takes what was abandoned on another machine', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    leave(layout, { part: 'bytes' }, nobody().replace(/^.{8}/, '00000000'))
    expect(readFileSync(join(openIngest(layout, 'k').directory, 'part'), 'utf8')).toBe('bytes')
  })
})

test('fault 35, the disk is full when a partial has been claimed: its bytes stay for the next one', async ({
  skip,
}) => {
  skip(!canUnshare, 'this system lets nobody but root mount in a namespace (unshare -rm)')
  await using dir = await tempDir()
  const said = await runUnshared(
    `mount -t tmpfs -o nr_inodes=64 tmpfs '${dir.path}'`,
    `const { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = await import('node:fs')
    const { openIngest } = await source('store/ingest.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { nobody } = await source('store/owner.ts')
    const { ensureCache } = await source('store/root.ts')
    const layout = cacheLayout(${JSON.stringify(dir.path)})
    ensureCache(layout)
    const left = layout.ingest + '/k/' + nobody()
    mkdirSync(left, { recursive: true })
    writeFileSync(left + '/part', 'bytes')
    const code = (action) => { try { action() } catch (error) { return error.code } }
    const filled = code(() => { for (let file = 0; file < 64; file++) writeFileSync(layout.cacheDir + '/' + file, '') })
    const failed = code(() => openIngest(layout, 'k'))
    rmSync(layout.cacheDir + '/0')
    console.log(filled, failed, readFileSync(openIngest(layout, 'k').directory + '/part', 'utf8'))`,
  )
  expect(said).toBe('ENOSPC ENOSPC bytes')
})

test('abandon() leaves the bytes to the next one, also of the same process', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  const first = openIngest(layout, 'k')
  writeFileSync(join(first.directory, 'part'), 'bytes')
  first.abandon()
  expect(readFileSync(join(openIngest(layout, 'k').directory, 'part'), 'utf8')).toBe('bytes')
})

test('abandon() leaves nothing where somebody removed the download', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  const ingest = openIngest(layout, 'k')
  rmSync(layout.ingest, { recursive: true })
  ingest.abandon()
  expect(existsSync(layout.ingest)).toBe(false)
})

test('remove() leaves nothing', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  openIngest(layout, 'k').remove()
  expect(readdirSync(join(layout.ingest, 'k'))).toEqual([])
})

test('allIngestedBytes() counts all downloads, and passes over a file of somebody else among them', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  leave(layout, { part: '12345' })
  writeFileSync(join(layout.ingest, 'foreign.txt'), 'not ours')
  expect(allIngestedBytes(layout)).toBe(5)
})

test('ingestedBytes() counts what everybody has received and unpacked', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  expect(ingestedBytes(layout, 'k')).toBe(0)
  leave(layout, { part: '333', disk: '55555' })
  leave(layout, { part: '1' }, newOwner())
  writeFileSync(join(layout.ingest, 'k', 'notes.txt'), 'a file of somebody else')
  expect(ingestedBytes(layout, 'k')).toBe(9)
})

/** The files of an ingest directory, without what is staged. */
function read(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(directory).filter((name) => name !== 'pub')
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}

describe('copyUnclaimed()', () => {
  const never = new AbortController().signal

  async function copied(owner: string, part: string, state: string | undefined, own = '') {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    const theirs = leave(layout, { part }, owner)
    if (state !== undefined) writeFileSync(join(theirs, 'state.json'), state)
    const ingest = openIngest(layout, 'k')
    if (own !== '') writeFileSync(join(ingest.directory, 'part'), own)
    await copyUnclaimed(layout, 'k', ingest, never)
    return { ours: read(ingest.directory), theirs: read(theirs) }
  }

  test('copies the bytes and where they came from, and takes nothing away', async () => {
    const both = { part: 'theirs', 'state.json': '{}' }
    expect(await copied(stranger(), 'theirs', '{}')).toEqual({ ours: both, theirs: both })
  })

  test.each([
    ['of a process that lives', newOwner(), '{}', '', {}],
    ['of which nobody knows whence they came', stranger(), undefined, '', {}],
    ['that are fewer than ours', stranger(), '{}', 'ours are more', { part: 'ours are more' }],
  ])('copies no bytes %s', async (_, owner, state, own, expected) => {
    expect((await copied(owner, 'theirs', state, own)).ours).toEqual(expected)
  })
})

test('claimableBytes() counts what need not be downloaded: the largest that is abandoned', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  expect(claimableBytes(layout, 'k')).toBe(0)
  for (const part of ['1', '333', '22']) leave(layout, { part })
  leave(layout, { part: '4444' }, newOwner())
  leave(layout, { part: '55555' }, stranger())
  expect(claimableBytes(layout, 'k')).toBe(3)
})
