/**
 * Reads back what kept-directory.ts has written: the notes of kept disks, for people and commands that look for one.
 * Whether a note is to be believed is for who asks; here it is only read so that no file in its place does harm.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hostArch } from '../arch.js'
import { systemErrorCode } from '../errors.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { allocatedIn } from '../store/allocated.js'
import { namesIn } from '../store/directory.js'
import { parseOwner } from '../store/owner.js'
import { whenReadable } from '../store/readable.js'
import { isOwnDirectory, refuseForeignOverlays } from '../store/root.js'
import type { Stamp } from '../store/stamp.js'
import { bootCommand } from './boot-command.js'
import { noteName } from './kept-directory.js'

export interface NotedDisk {
  /** The system's. */
  readonly name: string
  readonly version: string
  /** The disk and what it stands on, where they are now: the directory may have been moved. */
  readonly chain: DiskChain
  /** What that was when it was kept, the parents in the order of the chain; undefined where the note does not say. */
  readonly stamps: { readonly base: Stamp | undefined; readonly parents: readonly (Stamp | undefined)[] }
  readonly boot: string
}

export interface KeptDirectory {
  /** By which commands know it. */
  readonly name: string
  readonly directory: string
  readonly test: string
  readonly failed: boolean
  /** ISO 8601. */
  readonly keptAt: string
  /** What it takes of the host's disk. */
  readonly allocatedBytes: number
  readonly disks: readonly NotedDisk[]
}

/**
 * Every kept disk in `keptDir`, the newest first.
 *
 * @throws VmImageError CACHE_UNSAFE when the directory is not this user's.
 */
export function listKept(keptDir: string): readonly KeptDirectory[] {
  refuseForeignOverlays(dirname(keptDir))
  const names = (whenReadable(() => namesIn(keptDir)) ?? []).filter((name) => !parseOwner(name))
  return names
    .map((name) => join(keptDir, name))
    .filter(isOwnDirectory)
    .flatMap((directory) => readKept(directory) ?? [])
    .toSorted((a, b) => b.keptAt.localeCompare(a.keptAt))
}

/** What is kept in `directory`; undefined where there is no note of ours. */
export function readKept(directory: string): KeptDirectory | undefined {
  const note = readNote(join(directory, noteName))
  if (note === undefined) return undefined
  const { test, failed, keptAt, images } = note
  return {
    name: basename(directory),
    directory,
    test: String(test),
    failed: failed === true,
    keptAt: String(keptAt),
    allocatedBytes: allocatedIn(directory),
    disks: Array.isArray(images) ? images.flatMap((image: unknown) => notedDisk(directory, image)) : [],
  }
}

function notedDisk(directory: string, image: unknown): readonly NotedDisk[] {
  if (!isRecord(image)) return []
  const { name, version, path, parents = [], baseImage, baseFormat, arch, baseStamp, parentStamps } = image
  const isWhole = typeof path === 'string' && typeof baseImage === 'string' && Array.isArray(parents)
  if (!isWhole || (baseFormat !== 'qcow2' && baseFormat !== 'raw')) return []
  const here = (file: unknown) => join(directory, basename(String(file)))
  const base = { path: baseImage, format: baseFormat } as const
  const chain = { path: here(path), parents: parents.map(here), base }
  const stat = statSync(chain.path, { throwIfNoEntry: false })
  if (stat === undefined) return []
  const stampAt = (index: number) => (Array.isArray(parentStamps) ? stampIn(parentStamps[index]) : undefined)
  const stamps = { base: stampIn(baseStamp), parents: chain.parents.map((_, index) => stampAt(index)) }
  // As it is now: the directory may have been moved, and the disk been forked.
  const boot = bootCommand(typeof arch === 'string' ? arch : hostArch(), chain.path, {
    isFrozen: isSpared(stat),
  })
  return [{ name: String(name), version: String(version), chain, stamps, boot }]
}

/** What its forks need as it is, and what is a running test's disk under another name, no boot command writes to. */
export function isSpared({ mode, nlink }: { readonly mode: number; readonly nlink: number }): boolean {
  return (mode & 0o200) === 0 || nlink > 1
}

function stampIn(value: unknown): Stamp | undefined {
  if (!isRecord(value)) return undefined
  const { sizeBytes, mtimeNs } = value
  return typeof sizeBytes === 'number' && typeof mtimeNs === 'string' ? { sizeBytes, mtimeNs } : undefined
}

/** More than any note of ours has. */
const mostNoteBytes = 1_048_576

/** Somebody may have removed or rewritten it: then it is none of ours. */
function readNote(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const note: unknown = JSON.parse(readSmallFile(path))
    return isRecord(note) ? note : undefined
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return undefined
    throw error
  }
}

/** Nothing of what is a link, a device, a pipe that nobody writes to, or large. */
function readSmallFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(fd)
    return stat.isFile() && stat.size <= mostNoteBytes ? readFileSync(fd, 'utf8') : ''
  } finally {
    closeSync(fd)
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
