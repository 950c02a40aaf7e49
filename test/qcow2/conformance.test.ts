/**
 * Overlays of ours against overlays of qemu-img: on every kind of base that QEMU can make, in every size that has an
 * edge. `npm run test:qcow2 -- --long` goes through every combination.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DiskImage } from '../../src/qcow2/inspect.js'
import { tempDir } from '../support/temp-dir.js'
import { type BaseKind, baseKinds, makeBase } from './conformance-bases.js'
import { chainOf, checkOf, compare, makePair, onBoth, type OverlayCase, script } from './conformance-pair.js'
import { randomScript } from './conformance-script.js'

const isLong = process.env['VMIMAGE_QCOW2_LONG'] === '1'
const mib = 2 ** 20
const baseSizes = [512, 65_024, mib + 512, 64 * mib]
const grown = [0, 512, 10 * 2 ** 30, 64 * 2 ** 40]
/** qemu-img compares 64 TiB for seconds: the short form does that for one kind of base in so many. */
const kindsForEachHuge = 8

interface Case extends OverlayCase {
  readonly baseBytes: number
}

/** All of them in the long form; else three for each base, taken in turns so that every pair of properties occurs. */
function casesOf(kind: BaseKind): readonly Case[] {
  const turn = baseKinds.indexOf(kind)
  return baseSizes.flatMap((baseBytes, place) => {
    const all = [true, false].flatMap((dense) =>
      [true, false].flatMap((extendedL2) =>
        grown.map((more) => ({ baseBytes, sizeBytes: baseBytes + more, extendedL2, dense })),
      ),
    )
    if (isLong) return all
    const first = turn + place
    const [dense, sparse] = [all.filter((one) => one.dense), all.filter((one) => !one.dense)]
    const quick =
      first % kindsForEachHuge === 0 ? sparse : sparse.filter(({ sizeBytes }) => sizeBytes < 2 ** 40)
    // Every second base is written to, and the bytes are compared on all: of those nothing else needs to be asked.
    const third = first % 2 === 0 ? quick[first % quick.length] : dense[(first + 5) % 8]
    return [dense[first % 8], dense[(first + 3) % 8], third].flatMap((one) => one ?? [])
  })
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

async function agree(directory: string, base: DiskImage, each: Case): Promise<void> {
  const name = JSON.stringify(each)
  const pair = await makePair(directory, base, each)
  if (each.dense) {
    // The same bytes: all that could be asked of them has the same answer.
    expect(readFileSync(pair.ours).equals(readFileSync(pair.theirs)), `same bytes: ${name}`).toBe(true)
    return
  }
  const chains = await onBoth(pair, chainOf)
  expect(chains.ours, name).toEqual(chains.theirs)
  expect(await compare(pair.ours, base.path, base.format), name).toContain('Images are identical.')
  expect(await checkOf(pair.ours), name).toMatchObject({ 'check-errors': 0 })

  const { sizeBytes: diskBytes, baseBytes } = each
  await script(pair, randomScript(name, { diskBytes, baseBytes }))
  expect(await compare(pair.ours, pair.theirs), name).toContain('Images are identical.')
  const written = await onBoth(pair, checkOf)
  expect(written.ours, name).toEqual(written.theirs)
  expect(written.ours, name).not.toHaveProperty('corruptions')
  expect(written.ours, name).not.toHaveProperty('leaks')
}

describe('an overlay of ours is as one of qemu-img’s, before and after the same writes:', () => {
  test.each(baseKinds.map((kind) => ({ ...kind, count: casesOf(kind).length, kind })))(
    'on a base $name ($count cases)',
    { timeout: isLong ? 1_200_000 : 180_000 },
    async ({ kind }) => {
      await using dir = await tempDir()
      for (const baseBytes of baseSizes) {
        const base = await makeBase(join(dir.path, `base-${baseBytes}`), kind, baseBytes)
        const digest = sha256(base.path)
        for (const each of casesOf(kind).filter((one) => one.baseBytes === baseBytes)) {
          const room = join(dir.path, 'room')
          mkdirSync(room)
          await agree(room, base, each)
          rmSync(room, { recursive: true })
        }
        expect(sha256(base.path)).toBe(digest)
      }
    },
  )
})
