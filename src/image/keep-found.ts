/**
 * keep, of a disk that no VmImage of this process stands for: one of a test that somebody looks at while it runs, say.
 * It gets a second name, so its test and a machine that has it open go on as before.
 */
import { linkSync, statSync } from 'node:fs'
import { basename, dirname, join, parse } from 'node:path'
import { hostArch } from '../arch.js'
import type { Context } from '../context.js'
import { systemErrorCode } from '../errors.js'
import { unwritable } from '../file-trouble.js'
import { factsOf, type ImageFacts } from '../image-facts.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { cacheLayout, keptDirectory } from '../store/layout.js'
import { markKept } from '../store/lease.js'
import { parseOwner } from '../store/owner.js'
import { removeTree } from '../store/remove-tree.js'
import { findTest } from '../store/run-record.js'
import { findImage } from '../store/store.js'
import { bootCommand } from './boot-command.js'
import { requireUnused } from './disk-users.js'
import type { KeptDisk } from './keep-disk.js'
import { makeKeptDirectory, type NoteOfDisk } from './kept-directory.js'
import { readKept } from './kept-note.js'
import { linkOrCopyNew } from './link-or-copy.js'

/**
 * Disk.keep(). Of a disk that is kept already it is where that is.
 *
 * @throws VmImageError DISK_IN_USE where the file system gives no second name and a machine has it open; FILE_UNWRITABLE.
 */
export async function keepFound(
  chain: DiskChain,
  { cacheDir, overlayDir }: Pick<Context, 'cacheDir' | 'overlayDir'>,
): Promise<KeptDisk> {
  const keptDir = keptDirectory(overlayDir)
  const kept = keptAlready(chain, keptDir)
  if (kept) return kept
  const { leaseDir, facts } = originOf(chain.base.path, cacheDir)
  const test = findTest(chain.path) ?? parse(chain.path).name
  const keptFor = { test, attempt: 1, failed: false, session: sessionOf(chain.path) }
  const directory = makeKeptDirectory(keptDir, keptFor, (into) => [noteOf(chain, facts, into)])
  try {
    const { path, boot } = noteOf(chain, facts, directory)
    // Before the disk is there: no moment is left at which the base could be taken away.
    if (leaseDir !== undefined) markKept(leaseDir, directory)
    for (const parent of chain.parents) linkOrCopyNew(parent, placeOf(parent, directory))
    await place(chain.path, path)
    return { path, directory, boot }
  } catch (error) {
    removeTree(directory)
    throw unwritable('keep', chain.path, error)
  }
}

function noteOf(
  { path, parents, base }: DiskChain,
  facts: ImageFacts | undefined,
  directory: string,
): NoteOfDisk {
  const isFrozen = (statSync(path).mode & 0o200) === 0
  const kept = placeOf(path, directory)
  const known = facts ?? { name: basename(base.path), version: '', arch: hostArch() }
  return {
    ...known,
    path: kept,
    ...(parents.length > 0 && { parents: parents.map((parent) => placeOf(parent, directory)) }),
    baseImage: base.path,
    baseFormat: base.format,
    boot: bootCommand(known.arch, kept, { isFrozen }),
  }
}

function placeOf(path: string, directory: string): string {
  return join(directory, basename(path))
}

function keptAlready({ path }: DiskChain, keptDir: string): KeptDisk | undefined {
  const directory = dirname(path)
  if (dirname(directory) !== keptDir) return undefined
  const disk = readKept(directory)?.disks.find(({ chain }) => chain.path === path)
  return disk && { path, directory, boot: disk.boot }
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
  /** Of the run that has leased the base. */
  readonly leaseDir: string | undefined
  /** Of an image that is in the cache. */
  readonly facts: ImageFacts | undefined
}

/** By the path of the base: `<cache>/v1/run/<owner>/base-<key>` is a run's lease of an image. */
function originOf(base: string, cacheDir: string): Origin {
  const layout = cacheLayout(cacheDir)
  const key = /^base-(.+)$/.exec(basename(base))?.[1]
  const isLease = dirname(dirname(base)) === layout.runs && parseOwner(basename(dirname(base))) !== undefined
  const meta = key === undefined ? undefined : findImage(layout, key)?.meta
  return { leaseDir: isLease ? dirname(base) : undefined, facts: meta && factsOf(meta) }
}

/** It counts as kept by the run that it is of. */
function sessionOf(path: string): string {
  const owner = basename(dirname(path))
  return parseOwner(owner) ? `${owner}.1` : ''
}
