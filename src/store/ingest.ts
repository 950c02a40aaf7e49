/**
 * Ingest: one process's private download of one image. Nobody else ever writes in it. When its owner is provably
 * dead another process takes it over by renaming it to its own name: the rename is the claim, and one claimant wins.
 * An owner that cannot be judged from here (in another container, say) may still write: its bytes are copied, and taken
 * only when it has been silent for a day.
 */
import { chmodSync, lstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDiskFull } from '../disk-full.js'
import { systemErrorCode } from '../errors.js'
import { namesIn } from './directory.js'
import { cloneOrCopy } from './clone.js'
import { type CacheLayout, ingestDirectory } from './layout.js'
import { makeDirectory } from './make-directory.js'
import { judge, newOwner, nobody, parseOwner } from './owner.js'
import { whenReadable } from './readable.js'
import { refuseLink } from './root.js'
import { discard } from './trash.js'

/** After so long without a byte an owner that cannot be judged counts as dead. */
const silentMs = 24 * 3_600_000

export interface Ingest {
  /** Holds `part` and `state.json` while downloading. */
  readonly directory: string
  /** The directory that becomes the image: its only file is to be `disk`. */
  readonly staging: string
  /** Removes all of it: after publishing, or when the bytes are of no use. */
  remove(): void
  /** Leaves what has arrived to whoever asks for the same image next, in this process or another. */
  abandon(): void
}

/** Opens this process's ingest directory for `key`, with what a dead process left of the same image, if any did. */
export function openIngest(layout: CacheLayout, key: string): Ingest {
  const directory = ingestDirectory(layout, key, newOwner())
  const parent = join(layout.ingest, key)
  makeDirectory(layout, parent)
  refuseLink(parent, lstatSync(parent))
  const staging = join(directory, 'pub')
  try {
    if (claimLargest(layout, key, directory)) recoverPart(directory)
    else makeDirectory(layout, directory)
    // A dead owner's staging may be half-written or unverified; only its downloaded bytes are of use.
    rmSync(staging, { recursive: true, force: true })
    makeDirectory(layout, staging)
  } catch (error) {
    // A full disk, say: nobody could take over what has our name while this process lives.
    if (sizeOf(downloadIn(directory)) > 0) tryRename(directory, ingestDirectory(layout, key, nobody()))
    else rmSync(directory, { recursive: true, force: true })
    throw error
  }
  return {
    directory,
    staging,
    remove: () => rmSync(directory, { recursive: true, force: true }),
    // Where somebody removed it there is nothing to leave.
    abandon: () => void tryRename(directory, ingestDirectory(layout, key, nobody())),
  }
}

/**
 * Copies what a process that cannot be judged has received of the same image into our `part`, when that is more than we
 * have. Only for a download that a digest judges: nothing else would tell a file that changes while it is copied.
 */
export async function copyUnclaimed(
  layout: CacheLayout,
  key: string,
  { directory }: Ingest,
  signal: AbortSignal,
): Promise<void> {
  const [theirs] = ingestsOf(layout, key)
    .filter(({ owner }) => owner === 'unknown')
    .map(({ path }) => ({ path, size: sizeOf(join(path, 'part')) }))
    .toSorted((a, b) => b.size - a.size)
  const [part, state] = [join(directory, 'part'), join(directory, 'state.json')]
  if (theirs === undefined || theirs.size <= sizeOf(part)) return
  const copy = `${part}.copy`
  try {
    const before = readFileSync(join(theirs.path, 'state.json'))
    await cloneOrCopy(join(theirs.path, 'part'), copy, signal)
    // Whoever starts over forgets the state first.
    if (!readFileSync(join(theirs.path, 'state.json')).equals(before)) return
    rmSync(state, { force: true })
    renameSync(copy, part)
    writeFileSync(state, before, { mode: 0o600 })
  } catch (error) {
    // Gone, or not ours to read: it is downloaded. A disk that is full is no fault of theirs.
    if (systemErrorCode(error) === undefined || isDiskFull(error)) throw error
  } finally {
    rmSync(copy, { force: true })
  }
}

/** Bytes that the next one who opens an ingest for `key` need not download. */
export function claimableBytes(layout: CacheLayout, key: string): number {
  return Math.max(0, ...abandonedOf(layout, key).map((path) => sizeOf(downloadIn(path))))
}

/** Bytes on disk of all downloads of `key`, whoever runs them: what a waiting process watches. */
export function ingestedBytes(layout: CacheLayout, key: string): number {
  const parent = join(layout.ingest, key)
  // A file of somebody else's among the directories has no bytes of ours.
  const owners = whenReadable(() => namesIn(parent)) ?? []
  return owners
    .flatMap((owner) => [join(parent, owner, 'part'), join(parent, owner, 'pub', 'disk')])
    .reduce((sum, file) => sum + sizeOf(file), 0)
}

/** The same of all downloads of the cache. */
export function allIngestedBytes(layout: CacheLayout): number {
  return namesIn(layout.ingest).reduce((sum, key) => sum + ingestedBytes(layout, key), 0)
}

/** Gives what nobody works on of `from` to whoever asks for `to`: at one address the file may have become another. */
export function handOver(layout: CacheLayout, from: string, to: string): void {
  makeDirectory(layout, join(layout.ingest, to))
  for (const path of abandonedOf(layout, from)) tryRename(path, ingestDirectory(layout, to, nobody()))
}

/** Removes what nobody works on of `key`. */
export function discardAbandoned(layout: CacheLayout, key: string): void {
  for (const path of abandonedOf(layout, key)) discard(layout, path)
}

function claimLargest(layout: CacheLayout, key: string, mine: string): boolean {
  const abandoned = abandonedOf(layout, key)
    .map((path) => ({ path, size: sizeOf(downloadIn(path)) }))
    .toSorted((a, b) => b.size - a.size)
  const claimed = abandoned.findIndex(({ path }) => tryRename(path, mine))
  // The smaller ones hold a prefix of the same bytes and are of no use to anybody.
  if (claimed >= 0) abandoned.slice(claimed + 1).forEach(({ path }) => discard(layout, path))
  return claimed >= 0
}

function abandonedOf(layout: CacheLayout, key: string): readonly string[] {
  return ingestsOf(layout, key)
    .filter(({ owner, path }) => owner === 'dead' || (owner === 'unknown' && isSilent(path)))
    .map(({ path }) => path)
    .filter(isOurs)
}

function ingestsOf(layout: CacheLayout, key: string) {
  const parent = join(layout.ingest, key)
  return namesIn(parent).flatMap((name) => {
    const owner = parseOwner(name)
    return owner === undefined ? [] : { path: join(parent, name), owner: judge(owner) }
  })
}

function isSilent(directory: string): boolean {
  const times = [directory, ...['part', 'state.json', 'pub', 'pub/disk'].map((name) => join(directory, name))]
    .flatMap((path) => statSync(path, { throwIfNoEntry: false }) ?? [])
    .map(({ mtimeMs }) => mtimeMs)
  return times.length > 0 && Date.now() - Math.max(...times) > silentMs
}

/** What was downloaded into an ingest directory. A file that needs no unpacking is moved from `part` to be published. */
function downloadIn(directory: string): string {
  const part = join(directory, 'part')
  return isThere(part) ? part : join(directory, 'pub', 'disk')
}

/**
 * Moves the download back to `part`, where the next download reads it through its digest: unpacked bytes of another
 * file are found out there.
 */
function recoverPart(directory: string): void {
  const download = downloadIn(directory)
  if (!isThere(download)) return
  // Publishing begins by making it read-only.
  chmodSync(download, 0o600)
  renameSync(download, join(directory, 'part'))
}

function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false
    throw error
  }
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined
}

/** What is not there has no bytes, nor has what lies in a file of somebody else's that is in the way (ENOTDIR). */
function sizeOf(file: string): number {
  return whenReadable(() => statSync(file))?.size ?? 0
}

/** What another member of a group has received stays theirs, who could write to it after it is published. */
function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat !== undefined && (process.getuid === undefined || stat.uid === process.getuid())
}
