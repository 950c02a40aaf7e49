/**
 * Keeping the disks of a failed test:
 *
 *     <overlayDir>/kept/<test>-<attempt>/     .2, .3, ... is added to a name that is taken
 *       note.json                             what it is, and the command that boots it
 *       Fedora-Cloud-...-1a2b3c4d.qcow2       moved here, so that the end of the run cannot touch it
 *     <overlayDir>/kept/<owner>/              one of these before it has its note
 *     <overlayDir>/run/<owner>/kept-1         one file for each test that this run has kept
 *
 * The base image stays as long as the directory does: a mark in the run's lease directory says so. Whenever a worker is
 * killed, what it leaves is either a directory with a note, which is removed in its turn, or one that its owner's name
 * tells apart.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { moveOverlay, type VmImage } from '../image/vm-image.js'
import { allocatedIn } from '../store/allocated.js'
import { namesIn } from '../store/directory.js'
import { markKept } from '../store/lease.js'
import { makeDirectory } from '../store/make-directory.js'
import { newOwner, parseOwner } from '../store/owner.js'
import { bootCommand } from '../image/boot-command.js'
import type { RunInfo } from './run.js'

export interface KeepableImage {
  readonly image: VmImage
  /** The directory of its base's lease, where it has one. */
  readonly leaseDir: string | undefined
}

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

const noteName = 'note.json'

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
  // A test may dispose of a disk itself; then there is nothing to keep.
  const present = images.filter(({ image }) => existsSync(image.path))
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
  const directory = makeKeptDirectory(present, ended, run)
  for (const { image, leaseDir } of present) {
    // Before the move, and with a directory that exists: there is no moment at which the base could be taken away.
    if (leaseDir !== undefined) markKept(leaseDir, directory)
    moveOverlay(image, directory)
  }
  // Last: a name that were free again would be taken, and its old path lead to another disk. Two workers may remove one.
  for (const path of old) remove(path)
  return present.map(({ image }) => ({ image: titleOf(image), path: image.path }))
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

/** The directory appears with its note by one rename. */
function makeKeptDirectory(
  images: readonly KeepableImage[],
  ended: EndedTest,
  { keptDir, session }: RunInfo,
): string {
  const draft = join(keptDir, newOwner())
  // With its parent: somebody may delete all kept disks while a watch session goes on.
  makeDirectory({ isShared: false }, draft)
  const name = `${fileNameOf(ended.test)}-${ended.attempt}`
  for (let copy = 1; ; copy += 1) {
    const directory = join(keptDir, copy === 1 ? name : `${name}.${copy}`)
    const notes = images.map(({ image }) => noteOf(image, join(directory, basename(image.path))))
    const note = { ...ended, keptAt: new Date().toISOString(), session, images: notes }
    writeFileSync(join(draft, noteName), `${JSON.stringify(note, undefined, 2)}\n`)
    try {
      renameSync(draft, directory)
      return directory
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error
    }
  }
}

function noteOf(image: VmImage, path: string) {
  const { name, version, build, arch, variant, url, digest, trust, baseImage } = image
  const origin = { name, version, build, arch, variant, url, digest, trust }
  return { ...origin, path, baseImage, boot: bootCommand(arch, path) }
}

function titleOf({ name, version }: VmImage): string {
  return `${name} ${version}`.trim()
}

/** The end of a test's name tells more than its beginning, which is the file that all tests around it share. */
function fileNameOf(test: string): string {
  const name = test.replaceAll(/[^\w.]+/g, '-').slice(-100)
  return name.replaceAll(/^[-.]+|-+$/g, '') || 'test'
}

/**
 * The kept disks of earlier sessions that have to go, the oldest first, until with `sizeBytes` more the limits hold; or
 * which limit cannot hold, as what this session and others that go on have kept stays.
 */
function findOld(
  { overlayDir, keptDir, session, keepLast, keepMaxBytes }: RunInfo,
  sizeBytes: number,
): { readonly old: readonly string[]; readonly beyond?: KeptImage['beyond'] } {
  const kept = keptIn(keptDir).toSorted((a, b) => a.keptAtMs - b.keptAtMs)
  const own = kept.filter((each) => each.session === session)
  // Several processes may be one session, and each has places of its own.
  if (own.length >= keepLast) return { old: [], beyond: 'keepLast' }
  const old = kept.filter((each) => each.session !== session && !goesOn(each.session, overlayDir))
  let takenBytes = sizeBytes + sumOf(kept)
  if (takenBytes - sumOf(old) > keepMaxBytes) return { old: [], beyond: 'keepMaxSize' }
  const tooMany = kept.length + 1 - keepLast
  const last = old.findIndex((each, index) => {
    const isEnough = index >= tooMany && takenBytes <= keepMaxBytes
    takenBytes -= each.sizeBytes
    return isEnough
  })
  return { old: old.slice(0, last === -1 ? old.length : last).map(({ name }) => join(keptDir, name)) }
}

/** Another run that has not ended yet: in an editor, say, beside one in a terminal. */
function goesOn(session: string, overlayDir: string): boolean {
  const run = session.replace(/\.\d+$/, '')
  return run !== '' && run !== basename(overlayDir) && existsSync(join(dirname(overlayDir), run))
}

function sumOf(kept: readonly { readonly sizeBytes: number }[]): number {
  return kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** Only directories with a note are ours, and one with an owner's name is not ready. */
function keptIn(keptDir: string) {
  return namesIn(keptDir).flatMap((name) => {
    if (parseOwner(name)) return []
    const note = join(keptDir, name, noteName)
    const stat = statSync(note, { throwIfNoEntry: false })
    if (stat === undefined) return []
    const sizeBytes = allocatedIn(join(keptDir, name))
    return [{ name, keptAtMs: stat.mtimeMs, sizeBytes, session: sessionIn(note) }]
  })
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
