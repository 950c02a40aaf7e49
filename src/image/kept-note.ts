/** Reads back what kept-directory.ts has written: the notes of kept disks, for people and commands that look for one. */
import { readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { allocatedIn } from '../store/allocated.js'
import { namesIn } from '../store/directory.js'
import { parseOwner } from '../store/owner.js'
import { whenReadable } from '../store/readable.js'
import { bootCommand } from './boot-command.js'
import { noteName } from './kept-directory.js'

export interface NotedDisk {
  /** The system's. */
  readonly name: string
  readonly version: string
  /** The disk and what it stands on, where they are now: the directory may have been moved. */
  readonly chain: DiskChain
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

/** Every kept disk in `keptDir`, the newest first. */
export function listKept(keptDir: string): readonly KeptDirectory[] {
  const names = (whenReadable(() => namesIn(keptDir)) ?? []).filter((name) => !parseOwner(name))
  return names
    .flatMap((name) => readKept(join(keptDir, name)) ?? [])
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
  const { name, version, path, parents = [], baseImage, baseFormat, arch, boot } = image
  const isWhole = typeof path === 'string' && typeof baseImage === 'string' && Array.isArray(parents)
  if (!isWhole || (baseFormat !== 'qcow2' && baseFormat !== 'raw')) return []
  const here = (file: unknown) => join(directory, basename(String(file)))
  const base = { path: baseImage, format: baseFormat } as const
  const chain = { path: here(path), parents: parents.map(here), base }
  const stat = statSync(chain.path, { throwIfNoEntry: false })
  if (stat === undefined) return []
  // As it is now: the directory may have been moved, and the disk been forked.
  const command =
    typeof arch === 'string'
      ? bootCommand(arch, chain.path, { isFrozen: (stat.mode & 0o200) === 0 })
      : String(boot)
  return [{ name: String(name), version: String(version), chain, boot: command }]
}

/** Somebody may have removed or rewritten it: then it is none of ours. */
function readNote(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const note: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isRecord(note) ? note : undefined
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return undefined
    throw error
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
