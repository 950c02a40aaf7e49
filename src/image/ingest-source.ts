/**
 * ingestSource: one file on its way into the store, in a directory of this process's own: served (or copied from another
 * cache, or from where the user has it), verified, unpacked, inspected, published.
 */
import { renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest } from '../digest.js'
import { freeBytes } from '../disk-full.js'
import { VmImageError } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { decompress } from '../fetch/decompress.js'
import { download } from '../fetch/download.js'
import { type DiskImage, inspectImage } from '../qcow2/inspect.js'
import type { Ingest } from '../store/ingest.js'
import type { CacheLayout } from '../store/layout.js'
import { publishImage } from '../store/store.js'
import { copyForeign } from './foreign-copy.js'
import { copyLocal } from './local-copy.js'
import { provenFacts } from './proven-facts.js'
import { localPath, type Source } from './source.js'

/** No real image unpacks to more than this many times its size; a bomb of zeros does. Small ones harm nobody. */
const maxExpansion = 200
const harmlessBytes = 64 * 1024 ** 2

/** How large a packed file may become; more is damage, or a bomb. */
export function mostBytesUnpacked(packed: string): number {
  return Math.max(harmlessBytes, maxExpansion * statSync(packed).size)
}

export interface Ingesting {
  /** The lease that keeps the new image from collectors; undefined for none. */
  readonly leaseDir: string | undefined
  /** See `DownloadLimits`. */
  readonly attempts?: number | undefined
}

/**
 * Gets the file of a source into a private directory, looks at all that can be said against it, and publishes it.
 *
 * @returns the digest of the file as it was served.
 * @throws VmImageError of every code that fetching, verifying, unpacking and inspecting have; the system's error for a
 * directory that somebody removes.
 */
export async function ingestSource(
  layout: CacheLayout,
  ingest: Ingest,
  source: Source,
  { leaseDir, attempts }: Ingesting,
  context: Context,
): Promise<Digest> {
  const local = localPath(source)
  const served =
    local === undefined
      ? await serve(ingest, source, attempts, context)
      : await serveLocal(ingest, local, source, context)
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

async function serveLocal(
  { directory }: Ingest,
  path: string,
  source: Source,
  { signal }: Context,
): Promise<ServedFile> {
  // Who found it has hashed it.
  return localFile(await copyLocal(directory, path, source.digest as Digest, signal), source)
}

/** A copy in the hands of this process alone, whose digest is that of the source. */
function localFile(path: string, source: Source): ServedFile {
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
    maxDataBytes: roomFor(disk),
    report: context.report,
    signal: context.signal,
  })
  return sha256
}

/** The last of a disk is left to whoever else lives on it; at least what is written before anybody looks again. */
function roomFor(path: string): number {
  const free = freeBytes(path)
  return free - Math.max(2 ** 21, Math.min(free / 100, harmlessBytes))
}
