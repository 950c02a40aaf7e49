/**
 * publishSource: one download (or one unpacking) of one image at a time on this machine, by whoever is first; the
 * others wait and find it published. The lock only saves bandwidth: each works in a directory of its own, and the
 * image appears by one rename.
 */
import { existsSync, renameSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest } from '../digest.js'
import { isDiskFull, systemErrorCode, VmImageError } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { sizeText } from '../progress-text.js'
import { decompress } from '../fetch/decompress.js'
import { diskFullError } from '../fetch/disk-full.js'
import { download } from '../fetch/download.js'
import { type DiskImage, inspectImage } from '../qcow2/inspect.js'
import { type Ingest, ingestedBytes, openIngest } from '../store/ingest.js'
import { type CacheLayout, hashName } from '../store/layout.js'
import { type LockWaiting, withLock } from '../store/lock.js'
import { ensureCache } from '../store/root.js'
import { publishImage } from '../store/store.js'
import { copyForeign } from './foreign-copy.js'
import { provenFacts } from './proven-facts.js'
import { localPath, type Source } from './source.js'

/** No real image unpacks to more than this many times its size; a bomb of zeros does. Small ones harm nobody. */
const maxExpansion = 200
const harmlessBytes = 64 * 1024 ** 2
/** Somebody who empties the cache by hand costs one more download; somebody who does it again and again is to be told of. */
const mostTries = 3

/** How large a packed file may become; more is damage, or a bomb. */
export function mostBytesUnpacked(packed: string): number {
  return Math.max(harmlessBytes, maxExpansion * statSync(packed).size)
}

export interface Publishing {
  /** Whether somebody has published the image by now; asked while waiting and under the lock. */
  readonly isDone: () => boolean
  /** Told under the lock, with the digest of the file as it was served: the image's name in the store. */
  readonly onPublished: (digest: Digest) => void
  /** The lease that keeps the new image from collectors; undefined for none. */
  readonly leaseDir: string | undefined
  /** True: bytes with another digest stay for {@link ingestKey}, because the publisher is asked again what they are. */
  readonly keepsWrongBytes: boolean
  /** See `DownloadLimits`. */
  readonly attempts?: number | undefined
}

/** Under which downloads of a source are kept while they are not complete. */
export function ingestKey({ digest, url }: Source): string {
  return digest ? digestKey(digest) : `url-${hashName(url)}`
}

/** Makes sure that the image is published, by this process or by another. */
export async function publishSource(
  layout: CacheLayout,
  source: Source,
  publishing: Publishing,
  context: Context,
): Promise<void> {
  const key = ingestKey(source)
  const wait = {
    signal: context.signal,
    isDone: publishing.isDone,
    onWait: (state: LockWaiting) =>
      context.report({ type: 'waiting', name: titleOf(source), totalBytes: source.sizeBytes, ...state }),
  }
  await withLock(layout, key, wait, async () => {
    for (let tries = 1; !(await tryPublish(layout, key, source, publishing, context)); tries += 1) {
      if (tries === mostTries) throw removedAgain(layout, source)
    }
  })
}

/** False when somebody removed the download while it was being made. */
async function tryPublish(
  layout: CacheLayout,
  key: string,
  source: Source,
  publishing: Publishing,
  context: Context,
): Promise<boolean> {
  ensureCache(layout)
  checkSpace(layout, key, source)
  let ingest: Ingest | undefined
  try {
    ingest = openIngest(layout, key)
    publishing.onPublished(await ingestSource(layout, ingest, source, publishing, context))
    ingest.remove()
    return true
  } catch (error) {
    const isRemoved = systemErrorCode(error) === 'ENOENT' || (ingest && !existsSync(ingest.directory))
    if (isResumable(error, publishing.keepsWrongBytes)) ingest?.abandon()
    else ingest?.remove()
    if (isRemoved && !context.signal.aborted) return false
    throw isDiskFull(error) ? await diskFullError(layout.ingest, undefined, error) : error
  }
}

function removedAgain(layout: CacheLayout, source: Source): VmImageError {
  return new VmImageError(
    'CACHE_UNWRITABLE',
    `Cannot fetch "${titleOf(source)}": its files in "${layout.cacheDir}" were removed ${mostTries} times while it arrived.\n` +
      'Find out who deletes files there (a clean-up job, rm) and let that end; or set VMIMAGE_CACHE_DIR.',
  )
}

async function ingestSource(
  layout: CacheLayout,
  ingest: Ingest,
  source: Source,
  { leaseDir, attempts }: Publishing,
  context: Context,
): Promise<Digest> {
  const local = localPath(source)
  const served =
    local === undefined ? await serve(ingest, source, attempts, context) : localFile(local, source)
  const facts = await provenFacts(layout, served.path, source, context)
  const disk = join(ingest.staging, 'disk')
  const sha256 = await unpack(served.path, disk, source, context)
  const image = inspectImage(disk, { declaredFormat: source.format })
  refuseAnything(image, source)
  for (const warning of image.warnings) {
    context.report({ type: 'warning', message: `${titleOf(source)}: ${warning}` })
  }
  const { format, virtualSizeBytes } = image
  const published = publishImage(
    layout,
    digestKey(served.digest),
    disk,
    {
      ...facts,
      source: { digest: formatDigest(served.digest), sizeBytes: served.sizeBytes },
      content: { sha256, format, virtualSizeBytes },
      fetchedAt: new Date(context.now()).toISOString(),
    },
    leaseDir,
  )
  context.report({ type: 'published', name: titleOf(source), path: published.path })
  return served.digest
}

/** Every file is a raw disk, a login page too: where nobody vouches for the bytes they must look like one. */
function refuseAnything(image: DiskImage, source: Source): void {
  const isSaid = source.digest !== undefined || source.format !== undefined
  if (isSaid || image.format !== 'raw' || image.warnings.length === 0) return
  throw new VmImageError(
    'UNSUPPORTED_IMAGE',
    `Cannot use "${source.url}" as a base image: ${image.warnings.join(' ')} Nothing says that it is a disk at all.\n` +
      "Look at what the server sends. If it is a raw disk, say so: { url, format: 'raw' }, or give its checksum.",
  )
}

interface ServedFile {
  readonly path: string
  readonly sizeBytes: number
  readonly digest: Digest
}

async function serve(
  ingest: Ingest,
  source: Source,
  attempts: number | undefined,
  context: Context,
): Promise<ServedFile> {
  const copy = await copyForeign(ingest.directory, source, context)
  return copy === undefined ? fetchFile(ingest, source, attempts, context) : localFile(copy, source)
}

async function fetchFile(
  ingest: Ingest,
  source: Source,
  attempts: number | undefined,
  context: Context,
): Promise<ServedFile> {
  const { urls, digest, sizeBytes } = source
  return await download(
    { name: titleOf(source), urls, digest, sizeBytes, directory: ingest.directory },
    context,
    attempts === undefined ? {} : { attempts },
  )
}

function localFile(path: string, source: Source): ServedFile {
  // Who found it has hashed it.
  return { path, sizeBytes: statSync(path).size, digest: source.digest as Digest }
}

/** Moves or unpacks the served file to `disk`; returns the digest of what was unpacked. */
async function unpack(
  served: string,
  disk: string,
  source: Source,
  context: Context,
): Promise<string | undefined> {
  if (source.compression === 'none') {
    renameSync(served, disk)
    return undefined
  }
  const { sha256 } = await decompress(served, disk, source.compression, {
    name: titleOf(source),
    maxBytes: mostBytesUnpacked(served),
    report: context.report,
    signal: context.signal,
  })
  return sha256
}

/** Before the first byte; what has arrived in earlier tries does not need to arrive again. */
function checkSpace(layout: CacheLayout, key: string, source: Source): void {
  const { bavail, bsize } = statfsSync(layout.ingest)
  const free = bavail * bsize
  const needed = (source.sizeBytes ?? 0) - ingestedBytes(layout, key)
  if (needed <= free) return
  throw new VmImageError(
    'NO_SPACE',
    `Cannot download "${source.fileName}": it needs ${sizeText(needed)} more, and "${layout.cacheDir}" has ${sizeText(free)} left.\n` +
      'Free some space, or set VMIMAGE_CACHE_DIR to a directory on a larger disk.',
  )
}

/** What has arrived is of use to the next try when nothing was wrong with the bytes: an abort, the network, a missing program. On a full disk it takes the room of others. */
function isResumable(error: unknown, keepsWrongBytes: boolean): boolean {
  if (isDiskFull(error)) return false
  const codes: readonly string[] = [
    'NETWORK',
    'TOOL_MISSING',
    'TOOL_FAILED',
    ...(keepsWrongBytes ? ['DIGEST_MISMATCH'] : []),
  ]
  return !(error instanceof VmImageError) || codes.includes(error.code)
}
