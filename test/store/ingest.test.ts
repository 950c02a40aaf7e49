import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ingestedBytes, openIngest } from '../../src/store/ingest.js'
import { type CacheLayout, cacheLayout } from '../../src/store/layout.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { ensureCache } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'

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

  test('takes what was abandoned on another machine', async () => {
    await using dir = await tempDir()
    const layout = makeLayout(dir.path)
    leave(layout, { part: 'bytes' }, nobody().replace(/^.{8}/, '00000000'))
    expect(readFileSync(join(openIngest(layout, 'k').directory, 'part'), 'utf8')).toBe('bytes')
  })
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

test('ingestedBytes() counts what everybody has received and unpacked', async () => {
  await using dir = await tempDir()
  const layout = makeLayout(dir.path)
  expect(ingestedBytes(layout, 'k')).toBe(0)
  leave(layout, { part: '333', disk: '55555' })
  leave(layout, { part: '1' }, newOwner())
  expect(ingestedBytes(layout, 'k')).toBe(9)
})
