/**
 * The holder of a lock: who has it, written beside it, and how its lock is freed when it has no use for it any more. The
 * record counts only for the very lock directory that it names: a predecessor's may lie beside a successor's lock.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'
import { type CacheLayout, lockOwnerPath, lockPath } from './layout.js'
import { identity } from './own-lock.js'
import { newOwner, type Owner, parseOwner } from './owner.js'
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

/** Who holds the lock that is there now; undefined when it has no record, or there is no lock. */
export function findHolder(layout: CacheLayout, key: string): Holder | undefined {
  const holder = readRecord(layout, key)
  return holder && identity(lockPath(layout, key)) === holder.lock ? holder : undefined
}

/** Takes the lock away from `holder`. Nothing happens to the lock of anybody else. */
export function freeLock(layout: CacheLayout, key: string, holder: Holder): void {
  const path = lockPath(layout, key)
  const grave = moveToTrash(layout, path)
  if (grave === undefined) return
  if (identity(grave) === holder.lock) rmSync(grave, { recursive: true, force: true })
  else putBack(grave, path)
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
  try {
    const record: unknown = JSON.parse(readFileSync(lockOwnerPath(layout, key), 'utf8'))
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
