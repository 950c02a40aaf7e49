/**
 * Who holds an image. Every hard link of its file counts: those in the directories of runs are looked up, and of one
 * that nobody explains (another cache, a link of the user's own) it is said that it is there.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { namesIn } from './directory.js'
import { type CacheLayout, diskPath, leasePath } from './layout.js'
import { findKept, isKept, leaseMarker } from './lease.js'
import { describeOwner, type Owner, parseOwner } from './owner.js'
import { whenReadable } from './readable.js'
import { isDeadRun } from './run-directory.js'
import { findRunRecord, findTests } from './run-record.js'

/** Why an image is in use. Plain JSON. */
export type Holder =
  | {
      readonly kind: 'process'
      /** `process 1234` */
      readonly process: string
      /** ISO 8601; undefined, with the two below, where the run wrote nothing down. */
      readonly since: string | undefined
      readonly project: string | undefined
      readonly command: string | undefined
      /** Those that have a disk on it at this moment. */
      readonly tests: readonly string[]
    }
  /** The disk of a failed test. */
  | { readonly kind: 'kept'; readonly test: string | undefined; readonly path: string }
  /** A dead run whose directory could not be removed. */
  | { readonly kind: 'dead'; readonly path: string }
  /** Hard links that no run explains. */
  | { readonly kind: 'links'; readonly count: number }

/** The directory of one run, dead or alive, as far as leases go. */
interface LeaseDirectory {
  readonly path: string
  readonly owner: Owner
  readonly isDead: boolean
  readonly names: ReadonlySet<string>
}

/** All directories of runs, read once. */
export function readLeaseDirectories({ runs }: CacheLayout, now: number): readonly LeaseDirectory[] {
  return namesIn(runs).flatMap((name) => {
    const owner = parseOwner(name)
    const path = join(runs, name)
    if (owner === undefined) return []
    const names = new Set(whenReadable(() => namesIn(path)))
    return [{ path, owner, names, isDead: isDeadRun(path, owner, now) }]
  })
}

/** Who holds the image `key`. Empty: nobody, and it may go. */
export function findHolders(
  layout: CacheLayout,
  key: string,
  directories: readonly LeaseDirectory[],
): readonly Holder[] {
  const disk = statSync(diskPath(layout, key), { throwIfNoEntry: false })
  if (disk === undefined) return []
  const linked = directories.filter(({ path, names }) => {
    const lease = leasePath(path, key)
    // The lease of an older file of that name, which was found changed and replaced since, holds this one not.
    return names.has(`base-${key}`) && statSync(lease, { throwIfNoEntry: false })?.ino === disk.ino
  })
  const marked = directories.filter((directory) => isMarked(directory, key) && !linked.includes(directory))
  const strangers = disk.nlink - 1 - linked.length
  return [
    ...[...linked, ...marked].flatMap((directory) => holdersIn(directory, layout, key)),
    ...(strangers > 0 ? [{ kind: 'links', count: strangers } as const] : []),
  ]
}

/** Whether somebody uses the image `key` by its path, with a marker in place of a link. */
export function isMarkedByAny(layout: CacheLayout, key: string, now: number): boolean {
  return readLeaseDirectories(layout, now).some((directory) => isMarked(directory, key))
}

/** A marker costs nothing, so that of a dead run counts only for its kept disks. */
function isMarked({ path, names, isDead }: LeaseDirectory, key: string): boolean {
  return names.has(leaseMarker(key)) && (!isDead || isKept(path))
}

function holdersIn(directory: LeaseDirectory, layout: CacheLayout, key: string): readonly Holder[] {
  const { path, owner, isDead } = directory
  const bases = new Set([leasePath(path, key), diskPath(layout, key)])
  const notes = findKept(path).map((kept) => ({ path: kept, ...readNote(kept) }))
  const ours = notes.filter(({ baseImages }) => baseImages?.some((base) => bases.has(base)) ?? true)
  // With a dead run's directory all its leases stay, also the ones that its kept disks do not stand on.
  const kept = (isDead && ours.length === 0 ? notes : ours).map(
    (note) => ({ kind: 'kept', test: note.test, path: note.path }) as const,
  )
  if (isDead) return kept.length > 0 ? kept : [{ kind: 'dead', path }]
  const { since, project, command, overlayDir } = findRunRecord(path, owner) ?? {}
  const tests = overlayDir === undefined ? [] : findTests(overlayDir, [...bases])
  return [{ kind: 'process', process: describeOwner(owner), since, project, command, tests }, ...kept]
}

interface Note {
  readonly test: string | undefined
  /** The files that its disks stand on; undefined where the note cannot be read. */
  readonly baseImages: readonly string[] | undefined
}

/** Parsed as far as it is needed here; keep.ts writes it. */
function readNote(kept: string): Note {
  try {
    const note: unknown = JSON.parse(whenReadable(() => readFileSync(join(kept, 'note.json'), 'utf8')) ?? '')
    const { test, images }: { test?: unknown; images?: unknown } = Object(note)
    return {
      test: typeof test === 'string' ? test : undefined,
      baseImages: Array.isArray(images) ? images.flatMap(baseImageOf) : undefined,
    }
  } catch (error) {
    if (error instanceof SyntaxError) return { test: undefined, baseImages: undefined }
    throw error
  }
}

function baseImageOf(image: unknown): readonly string[] {
  const { baseImage }: { baseImage?: unknown } = Object(image)
  return typeof baseImage === 'string' ? [baseImage] : []
}
