/** Where the configuration of a project is: the nearest file, from a directory upwards. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readPackageKey } from './read-config.js'

/** In order of preference. */
export const configFiles = ['ts', 'mts', 'js', 'mjs', 'json'].map((suffix) => `vmimage.config.${suffix}`)

/**
 * The first of {@link configFiles}, or a package.json with the key `vmimage`, in the nearest directory that has one.
 *
 * The search ends at the top of the repository, where `.git` is, or else of the file system. It stops before a directory
 * like /tmp, where everybody may put files: what is found is run.
 *
 * @throws VmImageError INVALID_CONFIG when a package.json on the way cannot be read.
 */
export function findConfigFile(start: string): string | undefined {
  for (const directory of directoriesUpwards(resolve(start))) {
    const found = configFiles.map((name) => join(directory, name)).find((file) => existsSync(file))
    if (found !== undefined) return found
    const manifest = join(directory, 'package.json')
    if (existsSync(manifest) && readPackageKey(manifest) !== undefined) return manifest
  }
  return undefined
}

/** From a directory to the end of the search that {@link findConfigFile} describes. */
export function* directoriesUpwards(directory: string): Generator<string> {
  if (isForEverybody(directory)) return
  yield directory
  const parent = dirname(directory)
  if (parent !== directory && !existsSync(join(directory, '.git'))) yield* directoriesUpwards(parent)
}

/** Everybody may write, and the sticky bit protects what is inside from others: inode(7). */
function isForEverybody(directory: string): boolean {
  const stickyAndWritable = 0o1002
  const mode = statSync(directory, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & stickyAndWritable) === stickyAndWritable
}
