/**
 * keep, of a disk that no VmImage of this process stands for: one of a test that somebody looks at while it runs, say.
 * It gets a second name, so its test and a machine that has it open go on as before; what they write until the test ends
 * is in the kept disk too, as it is the same file.
 */
import { existsSync, linkSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join, parse } from 'node:path'
import { hostArch } from '../arch.js'
import type { Context } from '../context.js'
import { systemErrorCode } from '../errors.js'
import { factsOf, type ImageFacts } from '../image-facts.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { type CacheLayout, cacheLayout, diskPath, keptDirectory, leaseDirectory } from '../store/layout.js'
import { markKept, takeLease } from '../store/lease.js'
import { makeDirectory } from '../store/make-directory.js'
import { newOwner, nobody, parseOwner } from '../store/owner.js'
import { removeTree } from '../store/remove-tree.js'
import { ensureOverlayDirectories } from '../store/root.js'
import { findTest } from '../store/run-record.js'
import { stampOf } from '../store/stamp.js'
import { findImage } from '../store/store.js'
import { bootCommand } from './boot-command.js'
import { requireUnused } from './disk-users.js'
import { keyOf } from './find-disk.js'
import type { FoundDisk } from './found-disk.js'
import type { KeptDisk } from './keep-disk.js'
import { makeKeptDirectory, type NoteOfDisk, notKept } from './kept-directory.js'
import { isSpared, listKept } from './kept-note.js'
import { linkOrCopyNew } from './link-or-copy.js'

type KeepContext = Pick<Context, 'cacheDir' | 'overlayDir' | 'shared'>

/**
 * Disk.keep(). Of a disk that is kept already, under whatever name, it is where that is.
 *
 * @throws VmImageError FILE_NOT_FOUND; DISK_IN_USE where the file system gives no second name and a machine has it open;
 * FILE_UNWRITABLE, NO_SPACE, CACHE_UNSAFE.
 */
export async function keepFound(found: FoundDisk, context: KeepContext): Promise<KeptDisk> {
  const { path, parents } = found.chain
  examineOverlay(path, { mayBeCorrupt: true })
  ensureOverlayDirectories(context.overlayDir)
  const keptDir = keptDirectory(context.overlayDir)
  const kept = keptAlready(path, keptDir)
  if (kept) return kept
  const { facts, holdBase } = originOf(found.chain.base.path, cacheLayout(context.cacheDir, context.shared))
  const test = findTest(path) ?? parse(path).name
  const keptFor = { test, attempt: 1, failed: false, session: sessionOf(path) }
  let directory: string | undefined
  try {
    const note = noteOf(found, facts)
    directory = makeKeptDirectory(keptDir, keptFor, (into) => [note(into)])
    // Before the disk is there: no moment is left at which the base could be taken away.
    holdBase(directory)
    for (const parent of parents) linkOrCopyNew(parent, placeIn(directory, parent))
    await place(path, placeIn(directory, path))
    return { path: placeIn(directory, path), directory, boot: note(directory).boot }
  } catch (error) {
    if (directory !== undefined) removeTree(directory)
    throw notKept(path, keptDir, error)
  }
}

/** What the note says of it, once the directory is known. */
function noteOf(
  { chain, stamps }: FoundDisk,
  facts: ImageFacts | undefined,
): (directory: string) => NoteOfDisk {
  const { path, parents, base } = chain
  const { mode, nlink } = statSync(path)
  const known = facts ?? { name: basename(base.path), version: '', arch: hostArch() }
  const below = {
    ...(parents.length > 0 && {
      parentStamps: parents.map((parent, index) => stamps.parents[index] ?? stampOf(parent)),
    }),
    baseImage: base.path,
    baseFormat: base.format,
    baseStamp: stamps.base ?? stampOf(base.path),
  }
  return (directory) => ({
    ...known,
    path: placeIn(directory, path),
    ...(parents.length > 0 && { parents: parents.map((parent) => placeIn(directory, parent)) }),
    ...below,
    // Its test goes on with the same file.
    boot: bootCommand(known.arch, placeIn(directory, path), {
      isFrozen: isSpared({ mode, nlink: nlink + 1 }),
    }),
  })
}

function placeIn(directory: string, path: string): string {
  return join(directory, basename(path))
}

function keptAlready(path: string, keptDir: string): KeptDisk | undefined {
  const { ino, dev } = statSync(path)
  const isSame = (other: string) => {
    const stat = statSync(other)
    return stat.ino === ino && stat.dev === dev
  }
  return listKept(keptDir).flatMap(({ directory, disks }) =>
    disks
      .filter(({ chain }) => isSame(chain.path))
      .map(({ chain, boot }) => ({ path: chain.path, directory, boot })),
  )[0]
}

/** A copy of a disk that a machine has open would hold half of a write. */
async function place(path: string, target: string): Promise<void> {
  try {
    linkSync(path, target)
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    await requireUnused(path, 'Cannot keep')
    linkOrCopyNew(path, target)
  }
}

interface Origin {
  /** Of an image that is in the cache. */
  readonly facts: ImageFacts | undefined
  /** Keeps the base in its place for as long as the kept directory is there, where the cache is this user's own. */
  readonly holdBase: (keptDirectory: string) => void
}

/**
 * By the path of the base: `<cache>/v1/run/<owner>/base-<key>` is a run's lease of an image, which stays as long as the
 * run's leases; an image that is read where it lies needs a lease of its own. What is elsewhere nobody can hold.
 */
function originOf(base: string, layout: CacheLayout): Origin {
  const key = keyOf(base)
  const meta = key === undefined ? undefined : findImage(layout, key)?.meta
  const facts = meta && factsOf(meta)
  const leaseDir = dirname(base)
  const isLease = dirname(leaseDir) === layout.runs && parseOwner(basename(leaseDir)) !== undefined
  if (isLease) return { facts, holdBase: (directory) => markKept(leaseDir, directory) }
  const isImage = key !== undefined && base === diskPath(layout, key)
  return { facts, holdBase: (directory) => void (isImage && leaseFor(key, layout, directory)) }
}

/** Given up when it is marked: nobody's leases stay for as long as what is kept by them. */
function leaseFor(key: string, layout: CacheLayout, directory: string): void {
  if (!existsSync(layout.runs)) return
  const leaseDir = leaseDirectory(layout, newOwner())
  makeDirectory(layout, leaseDir)
  markKept(leaseDir, directory)
  takeLease(layout, leaseDir, key)
  renameSync(leaseDir, leaseDirectory(layout, nobody()))
}

/** It counts as kept by the run that it is of, in all turns of a watch session. */
function sessionOf(path: string): string {
  const owner = basename(dirname(path))
  return parseOwner(owner) ? owner : ''
}
