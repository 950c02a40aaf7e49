/**
 * Orphans: what dead processes left behind in the cache and beside it. Whose something is, its name says; a name that
 * tells no owner is none of ours and stays. Looking is apart from removing, so that a dry run can tell.
 */
import { lstatSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { systemErrorCode } from '../errors.js'
import { collectorLockPath, isCollectorDead } from './collector-lock.js'
import { namesIn } from './directory.js'
import { type CacheLayout, cacheLayout, diskPath, keptDirectory, overlayRuns } from './layout.js'
import { isKept } from './lease.js'
import { findDeadRecords, findHolder, forgetHolder } from './lock-holder.js'
import { isProvablyDead, judge, parseOwner } from './owner.js'
import { whenReadable } from './readable.js'
import { isDeadRun, removeRun } from './run-directory.js'
import { discard } from './trash.js'

export interface Orphan {
  /** `run`: overlays or leases; `kept`: a kept disk that never got its note; `draft`: half of a small file. */
  readonly kind: 'run' | 'kept' | 'partial' | 'lock' | 'collector' | 'draft' | 'trash'
  readonly path: string
}

/** A download that its image has not come from may be gone on with for so long. */
const partialMs = 7 * 86_400_000
/** An owner that cannot be judged from here is dead when silent for a day. */
const silentMs = 86_400_000
/** Removing takes seconds: what lies longer has been forgotten, even if its owner lives. */
const trashMs = 10 * 60_000

/** What is there to be swept. What this user may not read is left out. */
export function findOrphans(context: Context): readonly Orphan[] {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const now = context.now()
  const find = (kind: Orphan['kind'], look: () => readonly string[]) =>
    (whenReadable(look) ?? []).map((path) => ({ kind, path }))
  return [
    ...find('run', () => deadRuns(overlayRuns(context.overlayDir), now)),
    ...find('run', () => deadRuns(layout.runs, now).filter((path) => !isKept(path))),
    ...find('kept', () => inside(keptDirectory(context.overlayDir), isOfDead)),
    ...find('partial', () => deadPartials(layout, now)),
    ...find('lock', () => [...findDeadRecords(layout), ...silentLocks(layout, now)]),
    ...find('collector', () => (isCollectorDead(layout) ? [collectorLockPath(layout)] : [])),
    ...find('draft', () => deadDrafts(layout)),
    ...find('trash', () => inside(layout.trash, (name, path) => isTrash(name, path, now))),
  ]
}

/** Removes what dead processes left; returns what of it is gone. What this user may not remove stays. Never throws for it. */
export function sweepOrphans(context: Context): readonly Orphan[] {
  const layout = cacheLayout(context.cacheDir, context.shared)
  return findOrphans(context).filter((orphan) => {
    try {
      return remove(layout, orphan)
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error
      return false
    }
  })
}

function remove(layout: CacheLayout, { kind, path }: Orphan): boolean {
  switch (kind) {
    case 'run':
    case 'kept':
      return removeRun(path)
    case 'lock':
      if (path.endsWith('.owner.json')) return forgetHolder(layout, path)
      discard(layout, path)
      return true
    case 'draft':
      rmSync(path, { force: true })
      return true
    case 'partial':
    case 'collector':
    case 'trash':
      // Renamed first: whoever goes on with the download, or puts an image back, has it whole or not at all.
      discard(layout, path)
      return true
  }
}

/** Of a holder that was killed before it could write who it is: nothing but the end of its heartbeat tells. */
function silentLocks(layout: CacheLayout, now: number): readonly string[] {
  return inside(layout.locks, (name, path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    const isLock = name.endsWith('.lock') && stat?.isDirectory() === true
    return isLock && now - stat.mtimeMs > trashMs && !findHolder(layout, name.slice(0, -'.lock'.length))
  })
}

function deadRuns(parent: string, now: number): readonly string[] {
  return inside(parent, (name, path) => isDeadRun(path, parseOwner(name), now))
}

/** Of an image that is there by now a partial download is of no use to anybody, nor is half of an import. */
function deadPartials(layout: CacheLayout, now: number): readonly string[] {
  return namesIn(layout.ingest).flatMap((key) => {
    // Nobody goes on with an import: it is copied anew.
    const isOfNoUse = key.startsWith('import-') || isThere(diskPath(layout, key))
    const isLeft = (name: string, path: string) => {
      const owner = parseOwner(name)
      const verdict = owner === undefined ? 'alive' : judge(owner)
      if (verdict === 'alive') return false
      if (isOfNoUse) return verdict === 'dead' || now - lastWriteIn(path) > silentMs
      return now - lastWriteIn(path) > partialMs
    }
    // A file of somebody else's among the directories is no reason to leave the rest.
    return whenReadable(() => inside(join(layout.ingest, key), isLeft)) ?? []
  })
}

function isThere(path: string): boolean {
  return whenReadable(() => statSync(path)) !== undefined
}

function lastWriteIn(ingest: string): number {
  const paths = [ingest, join(ingest, 'part'), join(ingest, 'pub', 'disk')]
  return Math.max(...paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0))
}

/** Files on their way to their names: `<name>.<owner>`, and in a living run's directory `draft-<owner>`. */
function deadDrafts(layout: CacheLayout): readonly string[] {
  const images = namesIn(layout.images).map((key) => join(layout.images, key))
  const runs = namesIn(layout.runs).flatMap((name) => (parseOwner(name) ? join(layout.runs, name) : []))
  return [layout.versionDir, layout.resolved, layout.keys, layout.locks, ...images, ...runs].flatMap(
    (directory) => whenReadable(() => inside(directory, isDeadDraft)) ?? [],
  )
}

function isDeadDraft(name: string): boolean {
  return isOfDead(/^(?:.+\.|draft-)([^.]+)$/.exec(name)?.[1] ?? '')
}

/** By the time of the rename that brought it there, which is no write to the file. */
function isTrash(name: string, path: string, now: number): boolean {
  const owner = parseOwner(name)
  if (owner === undefined) return false
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return isProvablyDead(owner) || (stat !== undefined && now - stat.ctimeMs > trashMs)
}

function isOfDead(name: string): boolean {
  const owner = parseOwner(name)
  return owner !== undefined && isProvablyDead(owner)
}

/** What a link leads to is none of ours, whatever its name. */
function inside(directory: string, fits: (name: string, path: string) => boolean): readonly string[] {
  if (lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink()) return []
  return namesIn(directory).flatMap((name) => {
    const path = join(directory, name)
    return fits(name, path) ? [path] : []
  })
}
