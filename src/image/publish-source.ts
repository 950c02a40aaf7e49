/**
 * publishSource: one download (or one unpacking) of one image at a time on this machine, by whoever is first; the
 * others wait and find it published. The lock only saves bandwidth: each works in a directory of its own, and the
 * image appears by one rename.
 */
import { renameSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { decompress } from '../fetch/decompress.js'
import { download } from '../fetch/download.js'
import { inspectImage } from '../qcow2/inspect.js'
import { type Ingest, openIngest } from '../store/ingest.js'
import { type CacheLayout, hashName } from '../store/layout.js'
import { withLock } from '../store/lock.js'
import { publishImage } from '../store/store.js'
import { localPath, type Source } from './source.js'

/** What is left free on the cache's disk when an image is unpacked. */
const reserveBytes = 256 * 1024 ** 2
/** No real image unpacks to more than this many times its size; a bomb of zeros does. Small ones harm nobody. */
const maxExpansion = 200
const harmlessBytes = 64 * 1024 ** 2

export interface Publishing {
  /** Whether somebody has published the image by now; asked while waiting and under the lock. */
  readonly isDone: () => boolean
  /** Told under the lock, with the digest of the file as it was served: the image's name in the store. */
  readonly onPublished: (digest: Digest) => void
  /** The lease that keeps the new image from collectors; undefined for none. */
  readonly leaseDir: string | undefined
}

/** Makes sure that the image is published, by this process or by another. */
export async function publishSource(
  layout: CacheLayout,
  source: Source,
  publishing: Publishing,
  context: Context,
): Promise<void> {
  const key = source.digest ? digestKey(source.digest) : `url-${hashName(source.url)}`
  const wait = {
    signal: context.signal,
    isDone: publishing.isDone,
    onWait: (state: { readonly holder: string; readonly receivedBytes: number }) =>
      context.report({ type: 'waiting', name: titleOf(source), totalBytes: source.sizeBytes, ...state }),
  }
  await withLock(layout, key, wait, async () => {
    const ingest = openIngest(layout, key)
    try {
      publishing.onPublished(await ingestSource(layout, ingest, source, publishing.leaseDir, context))
      ingest.remove()
    } catch (error) {
      if (isResumable(error)) ingest.abandon()
      else ingest.remove()
      throw error
    }
  })
}

async function ingestSource(
  layout: CacheLayout,
  ingest: Ingest,
  source: Source,
  leaseDir: string | undefined,
  context: Context,
): Promise<Digest> {
  const local = localPath(source)
  const served =
    local === undefined ? await fetchFile(layout, ingest, source, context) : localFile(local, source)
  const disk = join(ingest.staging, 'disk')
  const sha256 = await unpack(layout, served.path, disk, source, context)
  const image = inspectImage(disk, { declaredFormat: source.format })
  image.warnings.forEach((message) =>
    context.report({ type: 'warning', message: `${titleOf(source)}: ${message}` }),
  )
  const { name, version, build, arch, variant, fileName, url, trust } = source
  const published = publishImage(
    layout,
    digestKey(served.digest),
    disk,
    {
      name,
      version,
      build,
      arch,
      variant,
      fileName,
      url,
      trust,
      source: { digest: formatDigest(served.digest), sizeBytes: served.sizeBytes },
      content: {
        sizeBytes: image.fileSizeBytes,
        sha256,
        format: image.format,
        virtualSizeBytes: image.virtualSizeBytes,
      },
      fetchedAt: new Date(context.now()).toISOString(),
    },
    leaseDir,
  )
  context.report({ type: 'published', name: titleOf(source), path: published.path })
  return served.digest
}

interface ServedFile {
  readonly path: string
  readonly sizeBytes: number
  readonly digest: Digest
}

async function fetchFile(
  layout: CacheLayout,
  ingest: Ingest,
  source: Source,
  context: Context,
): Promise<ServedFile> {
  checkSpace(layout, source)
  const { urls, digest, sizeBytes } = source
  return await download(
    { name: titleOf(source), urls, digest, sizeBytes, directory: ingest.directory },
    context,
  )
}

function localFile(path: string, source: Source): ServedFile {
  // localSource() has hashed it.
  return { path, sizeBytes: statSync(path).size, digest: source.digest as Digest }
}

/** Moves or unpacks the served file to `disk`; returns the digest of what was unpacked. */
async function unpack(
  layout: CacheLayout,
  served: string,
  disk: string,
  source: Source,
  context: Context,
): Promise<string | undefined> {
  if (source.compression === 'none') {
    renameSync(served, disk)
    return undefined
  }
  const expected = Math.max(harmlessBytes, maxExpansion * statSync(served).size)
  const maxBytes = Math.min(freeBytes(layout) - reserveBytes, expected)
  const { sha256 } = await decompress(served, disk, source.compression, {
    name: titleOf(source),
    maxBytes,
    report: context.report,
    signal: context.signal,
  })
  return sha256
}

/** As people call it: `Fedora 44`. */
function titleOf({ name, version }: Source): string {
  return `${name} ${version}`.trim()
}

function checkSpace(layout: CacheLayout, source: Source): void {
  const free = freeBytes(layout)
  if (source.sizeBytes === undefined || source.sizeBytes <= free) return
  throw new VmImageError(
    'NO_SPACE',
    `Cannot download "${source.fileName}": it needs ${source.sizeBytes} bytes, and "${layout.cacheDir}" has ${free} left.\n` +
      'Free some space, or set VMIMAGE_CACHE_DIR to a directory on a larger disk.',
  )
}

function freeBytes(layout: CacheLayout): number {
  const { bavail, bsize } = statfsSync(layout.ingest)
  return bavail * bsize
}

/** What has arrived is of use to the next try when only the way of the bytes failed: the network, or an abort. */
function isResumable(error: unknown): boolean {
  return !(error instanceof VmImageError) || error.code === 'NETWORK'
}
