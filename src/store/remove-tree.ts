/**
 * removeTree: a directory with all that is in it. The directories of runs hold a few files and nothing else, and for
 * those a handful of system calls do what rmSync() takes ten times as long for; it does the rest.
 */
import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'

/** Idempotent. Of a link the link goes, and nothing where it leads. Throws the system's error for what may not be removed. */
export function removeTree(directory: string): void {
  try {
    // Reading a directory follows a link that has its name.
    if (!lstatSync(directory).isDirectory()) return unlinkSync(directory)
    for (const name of readdirSync(directory)) unlinkSync(join(directory, name))
    rmdirSync(directory)
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    // A directory in it, somebody who removes the same, or somebody who still writes there.
    rmSync(directory, { recursive: true, force: true })
  }
}
