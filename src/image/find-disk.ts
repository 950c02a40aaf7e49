/**
 * findDisk: from a path or the name of a kept disk to the disk with all that it stands on. What a kept disk stands on is
 * in its note, where that is in this user's directory of kept disks. Of any other overlay only its header says it, and
 * that is believed no further than it leads to frozen overlays of its owner beside it, and to a base that this user's
 * caches hold or that the caller has named: otherwise a file could make a command read any other. Overlays of this
 * user's runs are where nobody else can put one, and may stand on a file of his own.
 */
import { lstatSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import type { DiskChain } from '../qcow2/block-node.js'
import { inspectImage } from '../qcow2/inspect.js'
import { examineOverlay } from '../qcow2/read-overlay.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../store/layout.js'
import { type KeptDirectory, readKept } from './kept-note.js'

type FindContext = Pick<Context, 'cacheDir' | 'extraCacheDirs' | 'overlayDir'>

/** QEMU itself takes several times as long for each one more. */
const mostParents = 64

/**
 * @param asked a file, a directory with a note.json, or the name of one in the directory of kept disks.
 * @param base the base image, where its name in the header is not to be believed. Default: it is found as above.
 * @throws VmImageError FILE_NOT_FOUND, INVALID_REQUEST when several disks are kept there, UNSAFE_IMAGE, UNSUPPORTED_IMAGE.
 */
export function findDisk(asked: string, context: FindContext, base?: string): DiskChain {
  const path = resolve(asked)
  const keptDir = keptDirectory(context.overlayDir)
  const kept = readKept(path) ?? (basename(asked) === asked ? readKept(join(keptDir, asked)) : undefined)
  if (kept) {
    const chain = onlyDisk(kept)
    return asNoted(chain, kept.directory, keptDir) ?? chainByHeader(chain.path, context, base)
  }
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) throw notFound(asked)
  const noted = readKept(dirname(path))?.disks.find(({ chain }) => chain.path === path)
  const chain = noted && base === undefined ? asNoted(noted.chain, dirname(path), keptDir) : undefined
  return chain ?? chainByHeader(path, context, base)
}

/** Anybody may write a note; those in the directory of kept disks are this user's. */
function asNoted(chain: DiskChain, directory: string, keptDir: string): DiskChain | undefined {
  return dirname(directory) === keptDir ? chain : undefined
}

function onlyDisk({ directory, disks }: KeptDirectory): DiskChain {
  const [disk, ...others] = disks
  if (disk && others.length === 0) return disk.chain
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
    `Cannot find the disk "${asked}": there is neither such a file nor a kept disk of that name.\n` +
      '"vmimage kept" lists those that there are.',
  )
}

function chainByHeader(path: string, context: FindContext, base: string | undefined): DiskChain {
  const parents: string[] = []
  for (let at = path; ;) {
    const { qcow2 } = examineOverlay(at, { mayBeCorrupt: at === path })
    const below = qcow2?.backingFile
    if (below === undefined) throw noBase(path, 'its header names no base', base)
    const beside = join(dirname(at), below)
    if (below !== `./${basename(below)}`) {
      return {
        path,
        parents,
        base: baseOf(path, { file: below, format: qcow2?.backingFormat }, context, base),
      }
    }
    if (parents.length === mostParents || parents.includes(beside) || beside === path) {
      throw noBase(path, 'its chain has no end', base)
    }
    if (!isFrozenBeside(beside, at))
      throw noBase(path, `"${beside}" below it is no frozen disk of the same owner`, base)
    parents.push(beside)
    at = beside
  }
}

function isFrozenBeside(path: string, above: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat?.isFile() === true && (stat.mode & 0o222) === 0 && stat.uid === lstatSync(above).uid
}

interface NamedBase {
  readonly file: string
  readonly format: string | undefined
}

/** The format is the header's word too; a base in the cache was inspected, and one that the caller names is now. */
function baseOf(
  path: string,
  named: NamedBase,
  { cacheDir, extraCacheDirs, overlayDir }: FindContext,
  given: string | undefined,
): DiskChain['base'] {
  const { file, format } = named
  if (format !== 'qcow2' && format !== 'raw') {
    throw noBase(path, `its header gives the base the format ${JSON.stringify(format)}`, given)
  }
  const wanted = given === undefined ? file : resolve(given)
  const caches = [cacheDir, ...extraCacheDirs].map((directory) => cacheLayout(directory).versionDir)
  const isBelieved =
    dirname(dirname(path)) === overlayRuns(overlayDir) ||
    caches.some((directory) => isInside(directory, wanted))
  if (given === undefined && !isBelieved) {
    throw noBase(path, `its header names the base ${JSON.stringify(file)}, which is not in the cache`, given)
  }
  inspectImage(wanted, { declaredFormat: format })
  return { path: wanted, format }
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return path.startsWith('/') && way !== '' && way !== '..' && !way.startsWith('../')
}

function noBase(path: string, found: string, given: string | undefined): VmImageError {
  return new VmImageError(
    'UNSAFE_IMAGE',
    `Cannot tell what "${path}" stands on: ${found}, and a file is not followed to any other of this machine.\n` +
      (given === undefined
        ? 'If you know its base, say so with --base FILE.'
        : 'It is no overlay of vmimage.'),
  )
}
