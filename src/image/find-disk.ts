/**
 * findDisk: from a path or the name of a kept disk to the disk with all that it stands on. What a kept disk stands on is
 * in its note, where that is in this user's directory of kept disks. Of any other overlay only its header says it, and
 * that is believed no further than it leads to frozen overlays of its owner beside it, and to a base that this user's
 * caches hold or that the caller has named: otherwise a file could make a command read any other. Overlays of this
 * user's runs are where nobody else can put one, and may stand on a file of his own.
 */
import { lstatSync, type Stats } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { unreadable } from '../file-trouble.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { inspectImage } from '../qcow2/inspect.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../store/layout.js'
import { isOwnDirectory, refuseForeignOverlays } from '../store/root.js'
import { findImage } from '../store/store.js'
import type { Stamp } from '../store/stamp.js'
import type { FoundDisk } from './found-disk.js'
import { type KeptDirectory, type NotedDisk, readKept } from './kept-note.js'

type FindContext = Pick<Context, 'cacheDir' | 'extraCacheDirs' | 'overlayDir'>

/** QEMU itself takes several times as long for each one more. */
const mostParents = 64

/**
 * @param asked a file, a directory with a note.json, or the name of one in the directory of kept disks.
 * @param base the base image, where what is written down of it is not to be believed. Default: it is found as above.
 * @throws VmImageError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_REQUEST when several disks are kept there, CACHE_UNSAFE
 * when the directory of overlays is somebody else's, UNSAFE_IMAGE, UNSUPPORTED_IMAGE.
 */
export function findDisk(asked: string, context: FindContext, base?: string): FoundDisk {
  if (asked === '' || asked.includes('\0')) throw notFound(asked)
  const place = placeOf(asked, keptDirectory(context.overlayDir))
  const isDirectory = statOf(place)?.isDirectory()
  const kept = isDirectory ? readKept(place) : undefined
  if (isDirectory && !kept) throw notFound(asked)
  const path = kept ? onlyDisk(kept).chain.path : place
  if (!statOf(path)?.isFile()) throw notFound(asked)
  const noted = isBelieved(path, keptDirectory, context) ? findNoted(path) : undefined
  return noted ? withBase(noted, base) : chainByHeader(path, context, base)
}

/** A bare name is that of a kept disk, where there is one. */
function placeOf(asked: string, keptDir: string): string {
  const [, name] = /^([^/]+)\/?$/.exec(asked) ?? []
  if (name === undefined || name === '.' || name === '..') return resolve(asked)
  const named = join(keptDir, name)
  return statOf(named)?.isDirectory() ? named : resolve(asked)
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw unreadable('look at', path, error)
  }
}

/**
 * Whether a file is in a directory of this user's kept disks, or of his runs: what is there is nobody else's word.
 *
 * @throws VmImageError CACHE_UNSAFE when it would be, and somebody else has made the directory.
 */
function isBelieved(
  path: string,
  directoryIn: (overlayDir: string) => string,
  { overlayDir }: Pick<FindContext, 'overlayDir'>,
): boolean {
  const directory = dirname(path)
  if (dirname(directory) !== directoryIn(overlayDir)) return false
  refuseForeignOverlays(overlayDir)
  return isOwnDirectory(directory)
}

/** A disk that the note beside it tells of, or what one stands on. */
function findNoted(path: string): FoundDisk | undefined {
  const disks = readKept(dirname(path))?.disks ?? []
  return disks.flatMap((disk) => foundIn(disk, path))[0]
}

function foundIn({ chain, stamps }: NotedDisk, path: string): readonly FoundDisk[] {
  if (chain.path === path) return [{ chain, stamps }]
  const index = chain.parents.indexOf(path)
  if (index === -1) return []
  const parents = chain.parents.slice(index + 1)
  const below = { base: stamps.base, parents: stamps.parents.slice(index + 1) }
  return [{ chain: { path, parents, base: chain.base }, stamps: below }]
}

function withBase(found: FoundDisk, base: string | undefined): FoundDisk {
  if (base === undefined) return found
  const named = { path: resolve(base), format: found.chain.base.format }
  inspectImage(named.path, { declaredFormat: named.format })
  return { chain: { ...found.chain, base: named }, stamps: { ...found.stamps, base: undefined } }
}

function onlyDisk({ directory, disks }: KeptDirectory): NotedDisk {
  const [disk, ...others] = disks
  if (disk && others.length === 0) return disk
  const paths = disks.map(({ chain }) => chain.path)
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot tell which disk in "${directory}" is meant: there ${paths.length === 0 ? 'is none' : `are ${paths.length}`}, and one is expected.\n` +
      (paths.length === 0 ? 'See "vmimage kept".' : `Name it by its path: ${paths.join(', ')}`),
  )
}

function notFound(asked: string): VmImageError {
  return new VmImageError(
    'FILE_NOT_FOUND',
    `Cannot find the disk ${JSON.stringify(asked)}: there is neither such a file nor a kept disk of that name.\n` +
      '"vmimage kept" lists those that there are.',
  )
}

function chainByHeader(path: string, context: FindContext, base: string | undefined): FoundDisk {
  const parents: string[] = []
  for (let at = path; ;) {
    const { qcow2 } = examineOverlay(at, { mayBeCorrupt: at === path })
    const below = qcow2?.backingFile
    if (below === undefined) throw noOverlay(at)
    if (below !== `./${basename(below)}`) {
      const bottom = baseOf(path, { file: below, format: qcow2?.backingFormat }, context, base)
      const stamp = base === undefined ? stampInCache(bottom.path, context) : undefined
      const stamps = { base: stamp, parents: parents.map(() => undefined) }
      return { chain: { path, parents, base: bottom }, stamps }
    }
    const beside = join(dirname(at), below)
    if (parents.length === mostParents || parents.includes(beside) || beside === path) {
      throw noBase(path, 'its chain has no end', 'It is no overlay of vmimage.')
    }
    if (!isFrozenBeside(beside, at)) {
      const cure = 'A fork goes with what it stands on: look for it where the disk came from.'
      throw noBase(path, `"${beside}" below it is no frozen disk of the same owner`, cure)
    }
    parents.push(beside)
    at = beside
  }
}

function isFrozenBeside(path: string, above: string): boolean {
  const stat = statOf(path)
  return stat?.isFile() === true && (stat.mode & 0o222) === 0 && stat.uid === statOf(above)?.uid
}

interface NamedBase {
  readonly file: string
  readonly format: string | undefined
}

/** The format is the header's word too; a base in the cache was inspected, and one that the caller names is now. */
function baseOf(
  path: string,
  { file, format }: NamedBase,
  context: FindContext,
  given: string | undefined,
): DiskChain['base'] {
  if (format !== 'qcow2' && format !== 'raw') {
    const found = `its header gives the base the format ${JSON.stringify(format)}`
    throw noBase(path, found, 'It is no overlay of vmimage.')
  }
  const wanted = given === undefined ? file : resolve(given)
  const caches = [context.cacheDir, ...context.extraCacheDirs]
  const isKnown =
    given !== undefined ||
    caches.some((directory) => isInside(cacheLayout(directory).versionDir, wanted)) ||
    isBelieved(path, overlayRuns, context)
  if (!isKnown) {
    const found = `its header names the base ${JSON.stringify(file)}, which is not in the cache`
    throw noBase(path, found, 'If you know its base, name it: --base FILE, the option "base" of diskAt().')
  }
  inspectImage(wanted, { declaredFormat: format })
  return { path: wanted, format }
}

/** Of a cached image what it was when it was published: `.../images/<key>/disk`, or a run's lease `.../base-<key>`. */
function stampInCache(path: string, { cacheDir, extraCacheDirs }: FindContext): Stamp | undefined {
  const key = keyOf(path)
  if (key === undefined) return undefined
  const layout = [cacheDir, ...extraCacheDirs]
    .map((directory) => cacheLayout(directory))
    .find(({ versionDir }) => isInside(versionDir, path))
  return layout && findImage(layout, key)?.meta.content
}

/** The key of a cached image, by a path where one lies. */
export function keyOf(path: string): string | undefined {
  return basename(path) === 'disk' ? basename(dirname(path)) : /^base-(.+)$/.exec(basename(path))?.[1]
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return path.startsWith('/') && way !== '' && way !== '..' && !way.startsWith('../')
}

function noBase(path: string, found: string, cure: string): VmImageError {
  return new VmImageError(
    'UNSAFE_IMAGE',
    `Cannot tell what "${path}" stands on: ${found}, and a file is not followed to any other of this machine.\n${cure}`,
  )
}

function noOverlay(path: string): VmImageError {
  return new VmImageError(
    'UNSUPPORTED_IMAGE',
    `Cannot use "${path}" as a test's disk: its header names no base, so it is no overlay.\n` +
      '"vmimage inspect" says what it is.',
  )
}
