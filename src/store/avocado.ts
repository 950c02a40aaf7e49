/**
 * The cache of Avocado (avocado-framework/avocado, avocado/utils/asset.py and vmimage.py, read 2026-11), so that both
 * tools share one download. An asset is
 *
 *     <dir>/by_location/<sha1 of the URL without its last part>/<file>     asked for by its URL, as images are
 *     <dir>/by_name/<file>                                                 asked for by name and digest
 *     .../<file>-CHECKSUM, .../<stem>_metadata.json                        beside it
 *
 * What counts is the file as it was served, because the publisher's digest is that file's. The unpacked copy beside a
 * packed one is nobody's word, and so is the CHECKSUM file: Avocado hashes whatever arrived, cut off or not.
 */
import { createHash } from 'node:crypto'
import { lstatSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { namesIn } from './directory.js'
import { whenReadable } from './readable.js'

/** An image of another tool's cache: the file as it was served. It proves nothing until it has been hashed. */
export interface ForeignFile {
  /** Where it really is, without links. */
  readonly path: string
  readonly sizeBytes: number
}

/**
 * The files in Avocado's layout of `directory` that could be the one served at one of `urls`: those of the same URL
 * first, then others of the same name (the same file from another mirror, or by http). None when the directory has
 * another layout. What cannot be read, is a link that leads out of the directory, or is no regular file is left out.
 */
export function findAvocadoFiles(
  directory: string,
  urls: readonly string[],
  fileName: string,
): readonly ForeignFile[] {
  const locations = join(directory, 'by_location')
  const likely = urls.map(locationOf)
  const others = whenReadable(() => namesIn(locations))?.toSorted() ?? []
  const parents = [...new Set([...likely, ...others])].map((name) => join(locations, name))
  const found = [...parents, join(directory, 'by_name')].flatMap(
    (parent) => whenReadable(() => foreignFile(directory, join(parent, fileName))) ?? [],
  )
  return found.filter(({ path }, index) => found.findIndex((other) => other.path === path) === index)
}

/** Avocado's name for the directory of a URL, which it writes without a slash at the end. */
function locationOf(url: string): string {
  const directory = url.slice(0, url.lastIndexOf('/')).replace(/\/+$/, '')
  return createHash('sha1').update(directory).digest('hex')
}

function foreignFile(directory: string, path: string): ForeignFile | undefined {
  const real = realpathSync(path)
  const stat = lstatSync(real)
  if (!real.startsWith(realpathSync(directory) + sep) || !stat.isFile()) return undefined
  return { path: real, sizeBytes: stat.size }
}
