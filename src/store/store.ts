/**
 * The published images. An image is a directory that appears by one rename, after its bytes were verified and are on
 * the disk; it is never written again. What is there is complete.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { hasFacts, type ImageFacts } from '../image-facts.js'
import { namesIn } from './directory.js'
import { type CacheLayout, diskPath, imageDirectory, metaPath } from './layout.js'
import { leaseUnpublished } from './lease.js'
import { type NewFile, replaceFile, writeNewFile } from './replace-file.js'
import { whenReadable } from './readable.js'
import { isUnchanged, type Stamp, stampOf } from './stamp.js'
import { discard, moveToTrash, putBack } from './trash.js'

/** What is written beside an image: where it comes from, and how to see that it is still the same bytes. */
export interface ImageMeta extends ImageFacts {
  /** The file as the publisher serves it. */
  readonly source: { readonly digest: string; readonly sizeBytes: number }
  /** The file as it lies in the cache; `sha256` where that is another file, unpacked from the source. */
  readonly content: Stamp & {
    readonly sha256: string | undefined
    readonly format: 'qcow2' | 'raw'
    readonly virtualSizeBytes: number
  }
  /** ISO 8601. */
  readonly fetchedAt: string
}

export interface StoredImage {
  readonly key: string
  readonly path: string
  readonly meta: ImageMeta
}

/** What the publisher of an image knows of it before the store adds the stamp of the file. */
export type NewImageMeta = Omit<ImageMeta, 'content'> & {
  readonly content: Omit<ImageMeta['content'], keyof Stamp>
}

/** The image `key` as it was published, or undefined when it is not in the cache. */
export function findImage(layout: CacheLayout, key: string): StoredImage | undefined {
  const meta = readMeta(layout, key)
  return meta && { key, path: diskPath(layout, key), meta }
}

/**
 * All images that are whole. Entries in a form that this version does not know, or that this user may not read, are left
 * out, and left alone.
 */
export function listImages(layout: CacheLayout): readonly StoredImage[] {
  return namesIn(layout.images)
    .flatMap((key) => whenReadable(() => findImage(layout, key)) ?? [])
    .filter(({ path, meta }) => whenReadable(() => isUnchanged(path, meta.content)) ?? false)
}

/**
 * Makes the verified file `disk` the image `key`, and leases it for the run of `leaseDir` (undefined: no lease).
 * `disk` must be alone in its directory, which becomes the image. When another process was faster its image stays,
 * being the same bytes by name.
 */
export function publishImage(
  layout: CacheLayout,
  key: string,
  disk: string,
  meta: NewImageMeta,
  leaseDir: string | undefined,
): StoredImage {
  const staging = dirname(disk)
  chmodSync(disk, 0o444)
  flush(disk, fdatasyncSync)
  const { size, mtimeNs } = statSync(disk, { bigint: true })
  const content = { sizeBytes: Number(size), mtimeNs: String(mtimeNs), ...meta.content }
  const published: ImageMeta = { ...meta, content }
  writeNewFile(join(staging, 'meta.json'), metaFile(published))
  flush(staging, fsyncSync)
  leaseUnpublished(layout, disk, leaseDir, key)
  const faster = moveIn(layout, key, staging)
  // The same bytes; what was found out about them now may be more than was known then.
  if (faster && meta.trust === 'signed') renewMeta(layout, faster, meta)
  flush(layout.images, fsyncSync)
  refuseRuin(layout, key)
  return { key, path: diskPath(layout, key), meta: published }
}

/**
 * Somebody who removes downloads by hand may have been at this one when it was moved, and half of it is an image now. It
 * goes, and the system's ENOENT says that it has to be done again.
 */
function refuseRuin(layout: CacheLayout, key: string): void {
  if (existsSync(diskPath(layout, key)) || !existsSync(imageDirectory(layout, key))) return
  discard(layout, imageDirectory(layout, key))
  statSync(diskPath(layout, key))
}

/**
 * Writes a new stamp for an image whose bytes were found to be right although its stamp was not: copied or restored
 * with coarser times.
 */
export function renewStamp(layout: CacheLayout, { key, meta }: StoredImage, stamp: Stamp): void {
  replaceMeta(layout, key, { ...meta, content: { ...meta.content, ...stamp } })
}

/** Writes down what was found out about an image after it was published: who vouches for it. */
export function renewMeta(
  layout: CacheLayout,
  { key, meta }: StoredImage,
  { trust, signedBy }: Pick<ImageFacts, 'trust' | 'signedBy'>,
): void {
  replaceMeta(layout, key, { ...meta, trust, signedBy })
}

/** Takes an image out of use: one rename, so that nobody sees half of it; leases keep its bytes for who has them. */
export function discardImage(layout: CacheLayout, key: string): void {
  discard(layout, imageDirectory(layout, key))
}

/**
 * {@link discardImage} for the very file that was looked at, which had this stamp (undefined: there was none). One that
 * another process has published since goes back to its place.
 *
 * @returns whether it was that file, or none at all.
 */
export function discardIfStill(layout: CacheLayout, key: string, stamp: Stamp | undefined): boolean {
  const grave = moveToTrash(layout, imageDirectory(layout, key))
  if (grave === undefined) return true
  const moved = stampOf(join(grave, 'disk'))
  const isStill = moved?.sizeBytes === stamp?.sizeBytes && moved?.mtimeNs === stamp?.mtimeNs
  // Where it cannot go back, yet another one is there.
  if (isStill || !putBack(grave, imageDirectory(layout, key))) rmSync(grave, { recursive: true, force: true })
  return isStill
}

/**
 * One rename. A directory that is there already is either the same image, which is returned, or the ruin of one, which
 * makes room.
 */
function moveIn(layout: CacheLayout, key: string, staging: string): StoredImage | undefined {
  const directory = imageDirectory(layout, key)
  for (;;) {
    try {
      renameSync(staging, directory)
      return undefined
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error
      const there = findImage(layout, key)
      if (there && isUnchanged(there.path, there.meta.content)) {
        rmSync(staging, { recursive: true, force: true })
        return there
      }
      discard(layout, directory)
    }
  }
}

function replaceMeta(layout: CacheLayout, key: string, meta: ImageMeta): void {
  replaceFile(metaPath(layout, key), metaFile(meta))
}

function readMeta(layout: CacheLayout, key: string): ImageMeta | undefined {
  try {
    const meta: unknown = JSON.parse(readFileSync(metaPath(layout, key), 'utf8'))
    return isImageMeta(meta) ? meta : undefined
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? ''))
      return undefined
    throw error
  }
}

function isImageMeta(value: unknown): value is ImageMeta {
  if (typeof value !== 'object' || value === null || !hasFacts(value)) return false
  const { source, content, fetchedAt }: Partial<ImageMeta> = value
  return (
    typeof source?.digest === 'string' &&
    typeof content?.sizeBytes === 'number' &&
    typeof content.mtimeNs === 'string' &&
    typeof content.virtualSizeBytes === 'number' &&
    (content.format === 'qcow2' || content.format === 'raw') &&
    typeof fetchedAt === 'string'
  )
}

function metaFile(meta: ImageMeta): NewFile {
  return { content: `${JSON.stringify(meta, undefined, 2)}\n`, mode: 0o444 }
}

function flush(path: string, sync: (fd: number) => void): void {
  const fd = openSync(path, 'r')
  try {
    sync(fd)
  } finally {
    closeSync(fd)
  }
}
