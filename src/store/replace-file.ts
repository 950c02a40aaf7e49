/** replaceFile: a small file of the cache is written beside its place and then takes it: nobody ever sees half of it. */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { newOwner } from './owner.js'

export interface NewFile {
  readonly content: string | Uint8Array
  /** Whatever umask says. */
  readonly mode: number
  /** False: after a power cut it may be empty. Default true: it is on the disk when the function returns. */
  readonly isFlushed?: boolean | undefined
}

/**
 * Makes `path` this file. On any error the old one stays, and nothing is left beside it.
 *
 * @throws the system's error.
 */
export function replaceFile(path: string, file: NewFile): void {
  const draft = `${path}.${newOwner()}`
  try {
    writeNewFile(draft, file)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** Makes the new file `path`; EEXIST when there is one, a link included. */
export function writeNewFile(path: string, { content, mode, isFlushed = true }: NewFile): void {
  const fd = openSync(path, 'wx', mode)
  try {
    fchmodSync(fd, mode)
    writeFileSync(fd, content)
    if (isFlushed) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
