/**
 * clone: a file of another tool's cache becomes one of ours. Never as a hard link: both names would be one file, and a
 * tool that writes in place (Avocado does) would change a base image under the tests that use it. Where the file
 * system can (btrfs, xfs), the copy shares its blocks until somebody writes, and costs neither time nor room.
 */
import { constants, createReadStream } from 'node:fs'
import { chmod, copyFile, open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { systemErrorCode } from '../errors.js'

/**
 * Copies `source` to the new file `target`, which only its owner can read and write. On any error `target` is gone.
 * Hash the copy: the source may change at any moment.
 *
 * @throws the system's error when one of them cannot be read or written, or `target` exists; the reason of `signal`.
 */
export async function cloneOrCopy(source: string, target: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!(await tryClone(source, target))) await copy(source, target, signal)
}

/** Whatever keeps it from being cloned: what is not the fault of the file system, the copy runs into again. */
async function tryClone(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
    await chmod(target, 0o600)
    return true
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return false
  }
}

/** As a stream, because copyFile() cannot be aborted. */
async function copy(source: string, target: string, signal: AbortSignal): Promise<void> {
  const file = await open(target, 'wx', 0o600)
  try {
    await pipeline(
      createReadStream(source, { highWaterMark: 2 ** 20 }),
      file.createWriteStream({ highWaterMark: 2 ** 20 }),
      { signal },
    )
  } catch (error) {
    await rm(target, { force: true })
    signal.throwIfAborted()
    throw error
  } finally {
    await file.close()
  }
}
