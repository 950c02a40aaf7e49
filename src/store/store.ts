/**
 * The published images. An image is a directory that appears by one rename, after its bytes were verified and are on
 * the disk; it is never written again. What is there is complete.
 */
import {
  chmodSync,
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { namesIn } from './directory.js'
import { type CacheLayout, diskPath, imageDirectory, metaPath, trashPath } from './layout.js'
import { leaseUnpublished } from './lease.js'
import { newOwner } from './owner.js'

/** What is written beside an image: where it comes from, and how to see that it is still the same bytes. */
export interface ImageMeta {
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly arch: string
  readonly variant: string | undefined
  readonly fileName: string
  readonly url: string
  readonly trust: 'pinned' | 'checksum' | 'unverified'
  /** The file as the publisher serves it. */
  readonly source: { readonly digest: string; readonly sizeBytes: number }
  /** The file as it lies in the cache. `mtimeNs` is decimal text: it exceeds a JavaScript number. */
  readonly content: {
    readonly sizeBytes: number
    readonly mtimeNs: string
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
  readonly content: Omit<ImageMeta['content'], 'mtimeNs'>
}

/** The image `key` as it was published, or undefined when it is not in the cache. */
export function findImage(layout: CacheLayout, key: string): StoredImage | undefined {
  const meta = readMeta(layout, key)
  return meta && { key, path: diskPath(layout, key), meta }
}

/** Whether the file at `path` (the image itself, or a lease of it) is the one that was published, unwritten since. */
export function isIntact(path: string, { meta }: StoredImage): boolean {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat?.size === BigInt(meta.content.sizeBytes) && String(stat.mtimeNs) === meta.content.mtimeNs
}

/** All intact images. Entries in a form that this version does not know are left out, and left alone. */
export function listImages(layout: CacheLayout): readonly StoredImage[] {
  return namesIn(layout.images)
    .flatMap((key) => findImage(layout, key) ?? [])
    .filter((image) => isIntact(image.path, image))
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
  const stamped = {
    ...meta,
    content: { ...meta.content, mtimeNs: String(statSync(disk, { bigint: true }).mtimeNs) },
  }
  writeReadOnly(join(staging, 'meta.json'), `${JSON.stringify(stamped, undefined, 2)}\n`)
  flush(staging, fsyncSync)
  leaseUnpublished(disk, leaseDir, key)
  try {
    renameSync(staging, imageDirectory(layout, key))
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(systemErrorCode(error) ?? '')) throw error
    rmSync(staging, { recursive: true, force: true })
  }
  flush(layout.images, fsyncSync)
  return { key, path: diskPath(layout, key), meta: stamped }
}

/** Takes an image out of use: one rename, so that nobody sees half of it; leases keep its bytes for who has them. */
export function discardImage(layout: CacheLayout, key: string): void {
  discard(layout, imageDirectory(layout, key))
}

/** Renames anything of the cache into the trash under a name of its own, then removes it. Only one caller wins. */
export function discard(layout: CacheLayout, path: string): void {
  const grave = trashPath(layout, newOwner())
  try {
    mkdirSync(layout.trash, { recursive: true, mode: 0o700 })
    renameSync(path, grave)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return
    throw error
  }
  rmSync(grave, { recursive: true, force: true })
}

function readMeta(layout: CacheLayout, key: string): ImageMeta | undefined {
  try {
    // Written by publishImage() and published with the image in one step, so its shape needs no second check.
    return JSON.parse(readFileSync(metaPath(layout, key), 'utf8')) as ImageMeta
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? ''))
      return undefined
    throw error
  }
}

function writeReadOnly(path: string, text: string): void {
  const fd = openSync(path, 'wx', 0o444)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function flush(path: string, sync: (fd: number) => void): void {
  const fd = openSync(path, 'r')
  try {
    sync(fd)
  } finally {
    closeSync(fd)
  }
}
