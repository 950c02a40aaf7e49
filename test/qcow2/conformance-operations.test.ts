/**
 * What QEMU's tools do with an overlay later in its life, to ours and to qemu-img's in turns: map, resize, snapshot,
 * rebase, commit, convert. One overlay for each kind of base; all of both kinds in the long form.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DiskImage } from '../../src/qcow2/inspect.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { type BaseKind, baseKinds, makeBase } from './conformance-bases.js'
import { chainOf, checkOf, compare, makePair, onBoth, type Pair, script } from './conformance-pair.js'

const isLong = process.env['VMIMAGE_QCOW2_LONG'] === '1'
const mib = 2 ** 20
/** In the short form these stand for all others, of which the conformance test has the reads and writes. */
const shortKinds = new Set([
  'raw',
  'compat=0.10,cluster_size=64k',
  'cluster_size=512',
  'cluster_size=2M',
  'compressed with zstd',
])

const overlays = [
  { extendedL2: true, dense: false },
  { extendedL2: false, dense: false },
  { extendedL2: true, dense: true },
]
const kinds = baseKinds.filter(({ name }) => isLong || shortKinds.has(name))
const grid = kinds.flatMap((kind, turn) =>
  overlays
    .filter((_, index) => isLong || index === turn % overlays.length)
    .map((overlay) => ({ kind, ...overlay })),
)

async function agree(pair: Pair): Promise<void> {
  expect(await compare(pair.ours, pair.theirs)).toContain('Images are identical.')
  const checked = await onBoth(pair, checkOf)
  expect(checked.ours).toEqual(checked.theirs)
  expect(checked.ours).toMatchObject({ 'check-errors': 0 })
  const chains = await onBoth(pair, chainOf)
  // The moment of a snapshot is not the same.
  expect(withoutMoments(chains.ours)).toEqual(withoutMoments(chains.theirs))
}

function withoutMoments(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key: string, each: unknown) =>
    key.startsWith('date-') || key.startsWith('vm-clock-') ? 0 : each,
  )
}

/** A base of their own for each, because commit writes into it. */
async function twoBases(directory: string, kind: BaseKind): Promise<Record<keyof Pair, DiskImage>> {
  const ours = await makeBase(join(directory, 'base'), kind, 2 * mib)
  const theirs = { ...ours, path: join(directory, 'base-of-theirs') }
  copyFileSync(ours.path, theirs.path)
  return { ours, theirs }
}

describe('the life of an overlay of ours is that of one of qemu-img’s:', () => {
  test.each(grid.map((each) => ({ ...each, name: each.kind.name })))(
    'on a base $name, extended L2 $extendedL2, dense $dense',
    { timeout: 180_000 },
    async ({ kind, extendedL2, dense }) => {
      await using dir = await tempDir()
      const bases = await twoBases(dir.path, kind)
      const pair = await makePair(dir.path, bases.ours, { sizeBytes: 2 * mib, extendedL2, dense })
      await script(
        pair,
        ['write -P 9 65000 70000', 'write -z 524288 65536', 'discard 1M 128k'].map(toSectors),
      )

      const maps = await onBoth(pair, (path) => qemuImg('map', '-f', 'qcow2', '--output=json', path))
      expect(JSON.parse(maps.ours)).toEqual(JSON.parse(maps.theirs))

      await onBoth(pair, (path) => qemuImg('resize', '-f', 'qcow2', path, '3M'))
      await script(pair, ['write -P 8 2M 4096'])
      await onBoth(pair, (path) => qemuImg('resize', '-f', 'qcow2', '--shrink', path, '2M'))
      await agree(pair)

      await onBoth(pair, (path) => qemuImg('snapshot', '-c', 'before', path))
      await script(pair, ['write -P 7 0 1M'])
      await onBoth(pair, (path) => qemuImg('snapshot', '-a', 'before', path))
      await agree(pair)
      await onBoth(pair, (path) => qemuImg('snapshot', '-d', 'before', path))
      await agree(pair)

      const raws = await onBoth(pair, async (path) => {
        await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path, `${path}.raw`)
        return readFileSync(`${path}.raw`)
      })
      expect(raws.ours.equals(raws.theirs)).toBe(true)

      const flat = await copies(dir.path, 'flat', pair)
      await onBoth(flat, (path) => qemuImg('rebase', '-f', 'qcow2', '-b', '', path))
      await agree(flat)
      expect(await compare(flat.ours, `${pair.ours}.raw`, 'raw')).toContain('Images are identical.')

      const moved = [bases.theirs.path, bases.theirs.format] as const
      await qemuImg('rebase', '-u', '-f', 'qcow2', '-b', moved[0], '-F', moved[1], pair.theirs)
      await onBoth(pair, (path) => qemuImg('commit', '-f', 'qcow2', path))
      // Not byte for byte: qemu-img commits several pieces at a time, and the order of clusters is that of the replies.
      const { format, path: committed } = bases.ours
      const both = ['-f', format, '-F', format, committed, bases.theirs.path] as const
      expect(await qemuImg('compare', ...both)).toContain('Images are identical.')
      expect(await compare(pair.ours, committed, format)).toContain('Images are identical.')
      expect(await compare(flat.ours, committed, format)).toContain('Images are identical.')
    },
  )
})

async function copies(directory: string, name: string, pair: Pair): Promise<Pair> {
  const room = join(directory, name)
  mkdirSync(room)
  return onBoth(pair, async (path) => {
    const copy = join(room, path === pair.ours ? 'ours' : 'theirs')
    copyFileSync(path, copy)
    return copy
  })
}

/** `write -P 9 65000 70000` at the sector before, in whole sectors. */
function toSectors(command: string): string {
  return command.replaceAll(/\b(\d{4,})\b/g, (number) => String(Number(number) - (Number(number) % 512)))
}
