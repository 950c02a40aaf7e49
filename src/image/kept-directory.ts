/**
 * A disk that outlives its test:
 *
 *     <overlayDir>/kept/<test>-<attempt>/     .2, .3, ... is added to a name that is taken
 *       note.json                             what it is, and the command that boots it
 *       Fedora-Cloud-...-1a2b3c4d.qcow2       moved here, so that the end of the run cannot touch it
 *       Fedora-Cloud-...-5e6f7a8b.qcow2       of a fork also what it stands on, read-only: a second link of it
 *     <overlayDir>/kept/<owner>/              one of these before it has its note
 *
 * The base image stays as long as the directory does: a mark in the run's lease directory says so. Whenever a worker is
 * killed, what it leaves is either a directory with a note, which is removed in its turn, or one that its owner's name
 * tells apart.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { systemErrorCode } from '../errors.js'
import { unwritable } from '../file-trouble.js'
import type { ImageFacts } from '../image-facts.js'
import { markKept } from '../store/lease.js'
import { makeDirectory } from '../store/make-directory.js'
import { newOwner } from '../store/owner.js'
import { whenReadable } from '../store/readable.js'
import type { Stamp } from '../store/stamp.js'
import { bootCommand } from './boot-command.js'
import type { KeptDisk } from './keep-disk.js'
import { placeFrozen } from './place-frozen.js'
import { moveOverlay, stateOf, type VmImage } from './vm-image.js'

export const noteName = 'note.json'

/** Whose disk it was. */
export interface KeptFor {
  readonly test: string
  readonly attempt: number
  readonly failed: boolean
  /** What people see as one run: kept disks of others make room for those of this one. */
  readonly session: string
}

export interface KeepableImage {
  readonly image: VmImage
  /** The directory of its base's lease, where it has one. */
  readonly leaseDir: string | undefined
}

/** What a note says of one disk: of its system what is known, and where all is that it consists of. */
export interface NoteOfDisk extends Partial<ImageFacts> {
  readonly digest?: string | undefined
  readonly path: string
  /** The frozen disks below it, the nearest first. */
  readonly parents?: readonly string[]
  /** What they and the base were, as far as that is known. */
  readonly parentStamps?: readonly (Stamp | undefined)[]
  readonly baseStamp?: Stamp | undefined
  readonly baseImage: string
  readonly baseFormat: 'qcow2' | 'raw'
  readonly boot: string
}

/** Where a disk is kept. */
export interface KeptPlace {
  readonly image: VmImage
  readonly directory: string
  readonly path: string
  /** The shell command that boots it. */
  readonly boot: string
}

/**
 * Moves the disks to a directory of their own with a note. What other disks among them stand on comes with those, and
 * is not told of by itself.
 */
export function keepIn(
  keptDir: string,
  disks: readonly KeepableImage[],
  keptFor: KeptFor,
): readonly KeptPlace[] {
  const below = new Set(disks.flatMap(({ image }) => stateOf(image).parents.map(({ name }) => name)))
  const top = disks.filter(({ image }) => !below.has(basename(image.path)))
  const images = top.map(({ image }) => image)
  const directory = makeKeptDirectory(keptDir, keptFor, (into) => images.map((image) => noteOf(image, into)))
  const kept: KeptPlace[] = []
  for (const { image, leaseDir } of top) {
    try {
      // Before the move, and with a directory that exists: there is no moment at which the base could be taken away.
      if (leaseDir !== undefined) markKept(leaseDir, directory)
      const path = placeIn(image, directory)
      kept.push({ image, directory, path, boot: bootOf(image, path) })
    } catch (error) {
      // A note without a disk would be counted as one.
      if (kept.length === 0) rmSync(directory, { recursive: true, force: true })
      throw notKept(image.path, keptDir, error)
    }
  }
  return kept
}

/**
 * After a kept disk was forked: the command of its note leaves it as it is. A note that is gone or cannot be written is no
 * reason to fail, as readers of it make the command anew.
 */
export function noteFrozen(arch: string, kept: KeptDisk): KeptDisk {
  const boot = bootCommand(arch, kept.path, { isFrozen: true })
  if (boot !== kept.boot) whenReadable(() => replaceInNote(kept.directory, kept.boot, boot))
  return { ...kept, boot }
}

function replaceInNote(directory: string, old: string, now: string): void {
  const path = join(directory, noteName)
  const text = readFileSync(path, 'utf8').replace(JSON.stringify(old), () => JSON.stringify(now))
  const draft = join(directory, newOwner())
  try {
    writeFileSync(draft, text)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** Why a disk could not be kept; what is no error of the system is passed on. */
export function notKept(path: string, keptDir: string, error: unknown): unknown {
  if (isDiskFull(error)) return diskFullError(keptDir, undefined, error)
  const cure = `See that you may write to ${keptDir}, and that it is on the file system of its parent; VMIMAGE_OVERLAY_DIR sets that.`
  return unwritable('keep', path, error, cure)
}

/** What it stands on first, and by a link: forks of it may be elsewhere too. */
function placeIn(image: VmImage, directory: string): string {
  const state = stateOf(image)
  const { path, frozenAs } = state
  const parents = state.parents.map((parent) => placeFrozen(parent, dirname(path), directory))
  if (state.forks.size > 0 && frozenAs !== undefined) {
    // Its forks need it where it was; that name goes with the last of them.
    state.frozenAs = placeFrozen({ name: basename(path), frozenAs }, dirname(path), directory).frozenAs
    state.path = join(directory, basename(path))
  } else moveOverlay(image, directory)
  state.parents = parents
  return state.path
}

/**
 * The directory appears with its note by one rename.
 *
 * @param notesIn what the note says of each disk, once the directory is known.
 */
export function makeKeptDirectory(
  keptDir: string,
  keptFor: KeptFor,
  notesIn: (directory: string) => readonly NoteOfDisk[],
): string {
  const draft = join(keptDir, newOwner())
  // With its parent: somebody may delete all kept disks while a watch session goes on.
  makeDirectory({ isShared: false }, draft)
  const name = `${fileNameOf(keptFor.test)}-${keptFor.attempt}`
  for (let copy = 1; ; copy += 1) {
    const directory = join(keptDir, copy === 1 ? name : `${name}.${copy}`)
    const { session, ...test } = keptFor
    const note = { ...test, keptAt: new Date().toISOString(), session, images: notesIn(directory) }
    try {
      writeFileSync(join(draft, noteName), `${JSON.stringify(note, undefined, 2)}\n`)
      renameSync(draft, directory)
      return directory
    } catch (error) {
      if (isTaken(error)) continue
      rmSync(draft, { recursive: true, force: true })
      throw error
    }
  }
}

function isTaken(error: unknown): boolean {
  return ['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')
}

function noteOf(image: VmImage, directory: string): NoteOfDisk {
  const { name, version, build, arch, variant, url, digest, trust, baseImage, baseFormat } = image
  const origin = { name, version, build, arch, variant, url, digest, trust }
  const path = join(directory, basename(image.path))
  const { parents, base } = stateOf(image)
  const { sizeBytes, mtimeNs } = base.stamp
  const below = {
    ...(parents.length > 0 && {
      parents: parents.map(({ name: parent }) => join(directory, parent)),
      parentStamps: parents.map(({ frozenAs }) => frozenAs),
    }),
    baseImage,
    baseFormat,
    baseStamp: { sizeBytes, mtimeNs },
  }
  return { ...origin, path, ...below, boot: bootOf(image, path) }
}

/** A disk that was forked stays as its forks need it. */
function bootOf(image: VmImage, path: string): string {
  return bootCommand(image.arch, path, { isFrozen: stateOf(image).frozenAs !== undefined })
}

/** The end of a test's name tells more than its beginning, which is the file that all tests around it share. */
function fileNameOf(test: string): string {
  const name = test.replaceAll(/[^\w.]+/g, '-').slice(-100)
  return name.replaceAll(/^[-.]+|-+$/g, '') || 'test'
}
