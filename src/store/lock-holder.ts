/**
 * The holder of a lock: who has it, written beside it, and how its lock is freed when it has no use for it any more. The
 * record counts only for the very lock directory that it names: a predecessor's may lie beside a successor's lock.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { namesIn } from './directory.js'
import { type CacheLayout, lockOwnerPath, lockPath } from './layout.js'
import { identity } from './own-lock.js'
import { isProvablyDead, newOwner, type Owner, parseOwner } from './owner.js'
import { whenReadable } from './readable.js'
import { replaceFile } from './replace-file.js'
import { moveToTrash } from './trash.js'

export interface Holder {
  readonly owner: Owner
  /** Which lock directory it holds; see {@link identity}. */
  readonly lock: string
}

/** Without a record (a full disk, say) the others wait for the end of the heartbeat. */
export function recordHolder(layout: CacheLayout, key: string, lock: string | undefined): void {
  if (lock === undefined) return
  try {
    // A full disk leaves empty files behind, and the record of another user can be replaced but not written.
    const content = JSON.stringify({ owner: newOwner(), lock })
    replaceFile(lockOwnerPath(layout, key), { content, mode: 0o644, isFlushed: false })
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
  }
}

/** Removes the record of a lock that is about to be given back; a successor's stays. */
export function eraseHolder(layout: CacheLayout, key: string, lock: string | undefined): void {
  if (lock === undefined || readRecord(layout, key)?.lock !== lock) return
  whenReadable(() => rmSync(lockOwnerPath(layout, key), { force: true }))
}

/** Who holds the lock that is there now; undefined when it has no record, or there is no lock. */
export function findHolder(layout: CacheLayout, key: string): Holder | undefined {
  const holder = readRecord(layout, key)
  return holder && identity(lockPath(layout, key)) === holder.lock ? holder : undefined
}

/** Takes the lock away from `holder`. Nothing happens to the lock of anybody else. */
export function freeLock(layout: CacheLayout, key: string, holder: Pick<Holder, 'lock'>): void {
  const path = lockPath(layout, key)
  const grave = moveToTrash(layout, path)
  if (grave === undefined) return
  if (identity(grave) === holder.lock) rmSync(grave, { recursive: true, force: true })
  else putBack(grave, path)
}

/** The records of holders that are certainly dead, by path, with or without the lock that they speak of. */
export function findDeadRecords(layout: CacheLayout): readonly string[] {
  const ending = lockOwnerPath(layout, '').slice(layout.locks.length + 1)
  return namesIn(layout.locks)
    .filter((name) => name.endsWith(ending))
    .filter((name) => isDead(readRecord(layout, name.slice(0, -ending.length))))
    .map((name) => join(layout.locks, name))
}

/** Removes the record `path` of a dead holder, and its lock if it has one still; false when a living one took over. */
export function forgetHolder(layout: CacheLayout, path: string): boolean {
  const key = basename(path, '.owner.json')
  const holder = readRecord(layout, key)
  if (holder === undefined || !isProvablyDead(holder.owner)) return false
  if (findHolder(layout, key)) freeLock(layout, key, holder)
  const grave = moveToTrash(layout, path)
  if (grave === undefined) return true
  const moved = recordIn(grave)
  // A living process wrote its own between the look and the rename.
  if (moved && !isProvablyDead(moved.owner)) {
    renameSync(grave, path)
    return false
  }
  rmSync(grave, { force: true })
  return true
}

function isDead(holder: Holder | undefined): boolean {
  return holder !== undefined && isProvablyDead(holder.owner)
}

/**
 * Between the look and the rename a living process took the lock: it gets it back. A third that has taken it by now
 * loses it, because a rename replaces an empty directory (rename(2)): one more download, and nothing else.
 */
function putBack(grave: string, path: string): void {
  try {
    renameSync(grave, path)
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    rmSync(grave, { recursive: true, force: true })
  }
}

function readRecord(layout: CacheLayout, key: string): Holder | undefined {
  return recordIn(lockOwnerPath(layout, key))
}

function recordIn(path: string): Holder | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return parseHolder(record)
  } catch (error) {
    // Not there yet, or not to be read.
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return undefined
    throw error
  }
}

function parseHolder(value: unknown): Holder | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('owner' in value && typeof value.owner === 'string')) return undefined
  if (!('lock' in value && typeof value.lock === 'string')) return undefined
  const owner = parseOwner(value.owner)
  return owner && { owner, lock: value.lock }
}
