/**
 * BaseImage: a verified file that this run may read, and how one is taken from the cache: the hard link that leases it
 * is also the check that it is there.
 */
import { systemErrorCode } from '../errors.js'
import { dropLease, takeLease } from '../store/lease.js'
import type { CacheLayout } from '../store/layout.js'
import type { Resolution } from '../store/resolutions.js'
import { discardImage, findImage, isIntact, type StoredImage } from '../store/store.js'

/** A base image that is ready to be read. Plain JSON: it travels to the workers as it is. */
export interface BaseImage {
  /** The path to read it by: the lease, or a file of the user's own. */
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  readonly virtualSizeBytes: number
  /** How to see that the file is still the one that was verified. */
  readonly stamp: { readonly sizeBytes: number; readonly mtimeNs: string }
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly arch: string
  readonly variant: string | undefined
  readonly fileName: string
  readonly url: string | undefined
  readonly digest: string | undefined
  readonly trust: 'pinned' | 'checksum' | 'unverified'
  readonly resolved: { readonly at: string; readonly stale: string | undefined }
  /** The directory of the lease; undefined when there is none to keep. */
  readonly leaseDir: string | undefined
}

/** The cached image that a resolution names, leased; undefined when it is not there, or not what was published. */
export function leaseResolved(
  layout: CacheLayout,
  leaseDir: string | undefined,
  resolution: Resolution,
): BaseImage | undefined {
  const stored = findImage(layout, resolution.key)
  if (stored === undefined) return undefined
  const path = takeLease(layout, leaseDir, resolution.key)
  if (path === undefined) return undefined
  if (isIntact(path, stored)) return baseImageOf(stored, path, leaseDir, resolution)
  if (leaseDir !== undefined) dropLease(leaseDir, resolution.key)
  // Either this run's lease is of an older file of that name, or somebody wrote to the cached one.
  if (!isIntact(stored.path, stored)) return discardChanged(layout, resolution.key)
  const renewed = takeLease(layout, leaseDir, resolution.key)
  return renewed === undefined ? undefined : baseImageOf(stored, renewed, leaseDir, resolution)
}

/** Nobody shall get such bytes again. In a cache that cannot be written the next step will say so. */
function discardChanged(layout: CacheLayout, key: string): undefined {
  try {
    discardImage(layout, key)
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error
  }
}

function baseImageOf(
  stored: StoredImage,
  path: string,
  leaseDir: string | undefined,
  resolution: Resolution,
): BaseImage {
  const { content } = stored.meta
  return {
    path,
    format: content.format,
    virtualSizeBytes: content.virtualSizeBytes,
    stamp: { sizeBytes: content.sizeBytes, mtimeNs: content.mtimeNs },
    name: resolution.name,
    version: resolution.version,
    build: resolution.build,
    arch: resolution.arch,
    variant: resolution.variant,
    fileName: resolution.fileName,
    url: resolution.url,
    digest: resolution.digest,
    trust: resolution.trust,
    resolved: { at: new Date(resolution.resolvedAt).toISOString(), stale: undefined },
    leaseDir,
  }
}
