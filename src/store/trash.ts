/**
 * Trash: how an entry of the cache goes out of use. One rename takes it from its name, so that nobody sees half of
 * it and only one of several callers has it; removing it afterwards may take its time.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'
import { type CacheLayout, trashPath } from './layout.js'
import { makeDirectory } from './make-directory.js'
import { newOwner } from './owner.js'

/** Renames `path` to a name of its own in the trash; the new path, or undefined when there is nothing at `path`. */
export function moveToTrash(layout: CacheLayout, path: string): string | undefined {
  const grave = trashPath(layout, newOwner())
  makeDirectory(layout, layout.trash)
  try {
    renameSync(path, grave)
    return grave
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Undoes {@link moveToTrash}. False when something new is at `path` by now, or the grave was swept. */
export function putBack(grave: string, path: string): boolean {
  try {
    // A rename would replace an empty directory.
    if (existsSync(path)) return false
    renameSync(grave, path)
    return true
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return false
  }
}

/** Takes `path` out of use and removes it with all that is in it. Idempotent. */
export function discard(layout: CacheLayout, path: string): void {
  const grave = moveToTrash(layout, path)
  if (grave !== undefined) rmSync(grave, { recursive: true, force: true })
}
