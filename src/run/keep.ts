/**
 * Keeping the disks of a failed test:
 *
 *     <overlayDir>/kept/<test>-<attempt>/     .2, .3, ... is added to a name that is taken
 *       Fedora-Cloud-...-1a2b3c4d.qcow2       moved here, so that the end of the run cannot touch it
 *       note.json                             what it is, and the command that boots it
 *
 * The base image stays as long as the disk does: a mark in the run's lease directory says so.
 */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import type { VmImage } from '../image/vm-image.js'
import { namesIn } from '../store/directory.js'
import { markKept } from '../store/lease.js'
import { bootCommand } from './boot-command.js'
import type { RunInfo } from './run.js'

export interface KeepableImage {
  readonly image: VmImage
  /** The directory of its base's lease, where it has one. */
  readonly leaseDir: string | undefined
}

export interface KeptImage {
  /** The system's name and version: `Fedora 44`. */
  readonly image: string
  /** Absolute path of the overlay. */
  readonly path: string
}

interface EndedTest {
  readonly test: string
  readonly attempt: number
  readonly failed: boolean
}

const noteName = 'note.json'

/** Moves the overlays to a directory of their own, writes the note, and removes all but the newest kept ones. */
export function keepImages(
  images: readonly KeepableImage[],
  ended: EndedTest,
  run: RunInfo,
): readonly KeptImage[] {
  // A test may dispose of a disk itself; then there is nothing to keep.
  const present = images.filter(({ image }) => existsSync(image.path))
  if (present.length === 0 || run.keepLast === 0) return []
  const directory = makeKeptDirectory(run.keptDir, `${fileNameOf(ended.test)}-${ended.attempt}`)
  const notes = present.map(({ image, leaseDir }) => {
    // Before the move: from here on nobody takes the base away.
    if (leaseDir !== undefined) markKept(leaseDir, directory)
    return noteOf(image, image.moveTo(directory))
  })
  const note = { ...ended, keptAt: new Date().toISOString(), images: notes }
  writeFileSync(join(directory, noteName), `${JSON.stringify(note, undefined, 2)}\n`)
  removeOldest(run.keptDir, run.keepLast)
  return present.map(({ image }) => ({ image: `${image.name} ${image.version}`.trim(), path: image.path }))
}

function noteOf(image: VmImage, path: string) {
  const { name, version, build, arch, variant, url, digest, trust, baseImage } = image
  const origin = { name, version, build, arch, variant, url, digest, trust }
  return { ...origin, path, baseImage, boot: bootCommand(arch, path) }
}

function makeKeptDirectory(parent: string, name: string): string {
  for (let copy = 1; ; copy += 1) {
    const directory = join(parent, copy === 1 ? name : `${name}.${copy}`)
    try {
      mkdirSync(directory, { mode: 0o700 })
      return directory
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }
}

/** The end of a test's name tells more than its beginning, which is the file that all tests around it share. */
function fileNameOf(test: string): string {
  const name = test.replaceAll(/[^\w.]+/g, '-').slice(-100)
  return name.replaceAll(/^[-.]+|-+$/g, '') || 'test'
}

/** Only directories with a note are ours. Two workers may remove the same one. */
function removeOldest(keptDir: string, keepLast: number): void {
  const kept = namesIn(keptDir).flatMap((name) => {
    const note = statSync(join(keptDir, name, noteName), { throwIfNoEntry: false })
    return note ? [{ directory: join(keptDir, name), mtimeMs: note.mtimeMs }] : []
  })
  const old = kept.toSorted((a, b) => b.mtimeMs - a.mtimeMs).slice(keepLast)
  for (const { directory } of old) rmSync(directory, { recursive: true, force: true })
}
