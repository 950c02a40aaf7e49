/** A directory of this machine in the place of a publisher's: listed and read like one that a server has. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { systemErrorCode, VmImageError } from '../errors.js'
import { isFileName } from '../pages/listed-name.js'
import type { Entry } from '../pages/listing.js'

export function isLocal(url: string): boolean {
  return url.startsWith('file:')
}

/**
 * The files and directories in it, links followed; what is neither, or is gone by now, is left out.
 *
 * @throws VmImageError FILE_NOT_FOUND when there is no such directory, or it cannot be read.
 */
export async function listLocalDirectory(url: string): Promise<readonly Entry[]> {
  const directory = fileURLToPath(url)
  const names = await orNotFound(directory, readdir(directory))
  const entries = await Promise.all(names.filter(isFileName).map((name) => entryOf(directory, name)))
  return entries.filter((entry) => entry !== undefined)
}

/** @throws VmImageError FILE_NOT_FOUND */
export async function readLocalFile(url: string): Promise<{ readonly bytes: Buffer; readonly url: string }> {
  const path = fileURLToPath(url)
  return { bytes: await orNotFound(path, readFile(path)), url }
}

async function entryOf(directory: string, name: string): Promise<Entry | undefined> {
  const path = join(directory, name)
  // A link to nowhere, or gone by now: no entry.
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile() && !found?.isDirectory()) return undefined
  const isDirectory = found.isDirectory()
  const url = pathToFileURL(path).href + (isDirectory ? '/' : '')
  return { name, isDirectory, url, sizeBytes: isDirectory ? undefined : found.size }
}

async function orNotFound<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    throw new VmImageError(
      'FILE_NOT_FOUND',
      `Cannot read "${path}": ${code === 'ENOENT' ? 'it does not exist' : code}.\n` +
        'Check the address in the provider: file:///directory/ with what it lists.',
      { cause: error },
    )
  }
}
