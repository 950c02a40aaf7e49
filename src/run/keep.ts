/**
 * Which disks of a failed test are kept, and which of earlier sessions make room for them. image/kept-directory.ts has
 * how a kept disk lies there. All workers of a run count together:
 *
 *     <overlayDir>/run/<owner>/kept-1         one file for each test that this run has kept
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { isLockedByQemuNow } from '../image/disk-locks.js'
import { type KeepableImage, keepIn, noteName } from '../image/kept-directory.js'
import { stateOf, type VmImage } from '../image/vm-image.js'
import { allocatedIn } from '../store/allocated.js'
import { namesIn } from '../store/directory.js'
import { parseOwner } from '../store/owner.js'
import { whenReadable } from '../store/readable.js'
import type { RunInfo } from './run.js'

export interface KeptImage {
  /** The system's name and version: `Fedora 44`. */
  readonly image: string
  /** Absolute path of the overlay; undefined when it is deleted. */
  readonly path: string | undefined
  /** Which limit let it be deleted. */
  readonly beyond?: 'keepLast' | 'keepMaxSize' | undefined
}

interface EndedTest {
  readonly test: string
  readonly attempt: number
  readonly failed: boolean
}

/**
 * Moves the overlays to a directory of their own with a note, and removes the oldest kept ones of earlier runs. A run
 * keeps its first `keepLast` tests, as long as they fit in `keepMaxBytes`: what fails after them is most often a
 * consequence, and no path that it has printed may lead to nothing.
 */
export function keepImages(
  images: readonly KeepableImage[],
  ended: EndedTest,
  run: RunInfo,
): readonly KeptImage[] {
  // A test may dispose of a disk itself; then there is nothing to keep. Or it has asked for it by image.keep().
  const present = images.filter(({ image }) => existsSync(image.path) && stateOf(image).kept === undefined)
  if (present.length === 0 || run.keepLast === 0) return []
  const refused = (beyond: KeptImage['beyond']) =>
    present.map(({ image }) => ({ image: titleOf(image), path: undefined, beyond }))
  const place = takePlace(run)
  if (place === undefined) return refused('keepLast')
  const sizeBytes = present.reduce((sum, { image }) => sum + allocatedIn(image.path), 0)
  const { old, beyond } = findOld(run, sizeBytes)
  if (beyond !== undefined) {
    rmSync(place, { force: true })
    return refused(beyond)
  }
  const kept = keepIn(run.keptDir, present, { ...ended, session: run.session })
  // Last: a name that were free again would be taken, and its old path lead to another disk. Two workers may remove one.
  for (const path of old) remove(path)
  return kept.map(({ image, path }) => ({ image: titleOf(image), path }))
}

/** Lets a run keep `keepLast` tests again: in watch mode each turn counts anew. */
export function freePlaces(overlayDir: string): void {
  for (const place of placesIn(overlayDir)) rmSync(place, { force: true })
}

function placesIn(overlayDir: string): readonly string[] {
  return namesIn(overlayDir)
    .filter((name) => /^kept-\d+$/.test(name))
    .map((name) => join(overlayDir, name))
}

/** All workers count together, so a place is a file that only one of them can create. Undefined: there is no more. */
function takePlace({ overlayDir, keepLast }: RunInfo): string | undefined {
  for (let number = 1; number <= keepLast; number += 1) {
    const place = join(overlayDir, `kept-${number}`)
    try {
      writeFileSync(place, '', { flag: 'wx' })
      return place
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }
  return undefined
}

function titleOf({ name, version }: VmImage): string {
  return `${name} ${version}`.trim()
}

/**
 * The kept disks of earlier sessions that have to go, the oldest first, until with `sizeBytes` more the limits hold; or
 * which limit cannot hold, as what this session and others that go on have kept stays.
 */
function findOld(
  { overlayDir, keptDir, session, keepLast, keepMaxBytes }: RunInfo,
  sizeBytes: number,
): { readonly old: readonly string[]; readonly beyond?: KeptImage['beyond'] } {
  const kept = keptIn(keptDir)
  const isOwn = isOf(session, overlayDir)
  const own = kept.filter(isOwn)
  // Several processes may be one session, and each has places of its own.
  if (own.length >= keepLast) return { old: [], beyond: 'keepLast' }
  const takenBytes = sizeBytes + sumOf(kept)
  if (kept.length < keepLast && takenBytes <= keepMaxBytes) return { old: [] }
  const old = removable(kept, isOwn, { overlayDir, keptDir })
  if (takenBytes - sumOf(old) > keepMaxBytes) return { old: [], beyond: 'keepMaxSize' }
  const tooMany = kept.length + 1 - keepLast
  return { old: oldestOf(old, tooMany, takenBytes - keepMaxBytes).map(({ name }) => join(keptDir, name)) }
}

/** As many from the start as are `tooMany`, and more until they have `tooManyBytes`. */
function oldestOf<Kept extends { readonly sizeBytes: number }>(
  old: readonly Kept[],
  tooMany: number,
  tooManyBytes: number,
): readonly Kept[] {
  let leftBytes = tooManyBytes
  const last = old.findIndex(({ sizeBytes }, index) => {
    const isEnough = index >= tooMany && leftBytes <= 0
    leftBytes -= sizeBytes
    return isEnough
  })
  return old.slice(0, last === -1 ? old.length : last)
}

/**
 * After `image.keep()`, which no limit refuses: kept disks of earlier sessions go until the limits hold, or none of them is
 * left. Where failed tests keep nothing, whatever is kept was asked for, and stays.
 */
export function makeRoomForKept({ overlayDir, keptDir, session, keepLast, keepMaxBytes }: RunInfo): void {
  if (keepLast === 0) return
  const kept = keptIn(keptDir)
  const old = removable(kept, isOf(session, overlayDir), { overlayDir, keptDir })
  const going = oldestOf(old, kept.length - keepLast, sumOf(kept) - keepMaxBytes)
  for (const { name } of going) remove(join(keptDir, name))
}

/** Of this session, or kept from outside for the run that it is part of. */
function isOf(session: string, overlayDir: string): (kept: { readonly session: string }) => boolean {
  return (kept) => kept.session === session || kept.session === basename(overlayDir)
}

/** Kept by sessions that have ended, and not what somebody looks at in a machine now. */
function removable<Kept extends { readonly name: string; readonly session: string }>(
  kept: readonly Kept[],
  isOwn: (kept: Kept) => boolean,
  { overlayDir, keptDir }: Pick<RunInfo, 'overlayDir' | 'keptDir'>,
): readonly Kept[] {
  return kept.filter(
    (each) => !isOwn(each) && !goesOn(each.session, overlayDir) && !isOpen(join(keptDir, each.name)),
  )
}

function isOpen(directory: string): boolean {
  const disks = (whenReadable(() => namesIn(directory)) ?? []).filter((name) => name.endsWith('.qcow2'))
  return disks.some((name) => isLockedByQemuNow(join(directory, name)) === true)
}

/** Another run that has not ended yet: in an editor, say, beside one in a terminal. */
function goesOn(session: string, overlayDir: string): boolean {
  const run = session.replace(/\.\d+$/, '')
  return run !== '' && run !== basename(overlayDir) && existsSync(join(dirname(overlayDir), run))
}

function sumOf(kept: readonly { readonly sizeBytes: number }[]): number {
  return kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** The oldest first. Only directories with a note are ours, and one with an owner's name is not ready. */
function keptIn(keptDir: string) {
  const found = namesIn(keptDir).flatMap((name) => {
    if (parseOwner(name)) return []
    const note = join(keptDir, name, noteName)
    const stat = statSync(note, { throwIfNoEntry: false })
    return stat === undefined ? [] : [{ name, keptAtMs: stat.mtimeMs, session: sessionIn(note) }]
  })
  // Of two that share what they stand on, the newer one is said to have it: the older one's end makes no room of it.
  const counted = new Set<string>()
  return found
    .toSorted((a, b) => b.keptAtMs - a.keptAtMs)
    .map((kept) => ({ ...kept, sizeBytes: allocatedIn(join(keptDir, kept.name), counted) }))
    .toReversed()
}

/** What cannot be removed (another user's, after sudo) is no reason to fail a run. */
function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
  }
}

/** Empty where the note says none, or somebody has removed or rewritten it meanwhile. */
function sessionIn(note: string): string {
  try {
    const { session }: { readonly session?: unknown } = JSON.parse(readFileSync(note, 'utf8'))
    return typeof session === 'string' ? session : ''
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return ''
    throw error
  }
}
