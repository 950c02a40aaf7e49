/**
 * BaseImage: a verified file that this run may read, and how one is taken from the cache: the hard link that leases it
 * is also the check that it is there.
 */
import { factsOf, type ImageFacts } from '../image-facts.js'
import { touchImage } from '../store/last-use.js'
import { dropLease, takeLease } from '../store/lease.js'
import type { CacheLayout } from '../store/layout.js'
import type { Resolution } from '../store/resolutions.js'
import { isUnchanged, type Stamp } from '../store/stamp.js'
import { findImage } from '../store/store.js'

/** A base image that is ready to be read. Plain JSON: it travels to the workers as it is. */
export interface BaseImage extends ImageFacts {
  /** The path to read it by: the lease, or a file of the user's own. */
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  readonly virtualSizeBytes: number
  /** How to see that the file is still the one that was verified. */
  readonly stamp: Stamp
  /** `<algorithm>:<hex>` of the file as it is served; undefined for a file of the user's own that names none. */
  readonly digest: string | undefined
  readonly resolved: {
    /** ISO 8601. */
    readonly at: string
    /** How old it is, and why it was not asked again: `resolved 9 days ago, and not again: ...`; undefined when it is fresh. */
    readonly stale: string | undefined
  }
  /** The directory of the lease; undefined when there is none to keep. */
  readonly leaseDir: string | undefined
}

/** The cached image that a resolution names, leased; undefined when it is not there, or its stamp is not the one published. */
export function leaseResolved(
  layout: CacheLayout,
  leaseDir: string | undefined,
  resolution: Resolution,
): BaseImage | undefined {
  const stored = findImage(layout, resolution.key)
  if (stored === undefined || !isUnchanged(stored.path, stored.meta.content)) return undefined
  const { sizeBytes, mtimeNs, format, virtualSizeBytes } = stored.meta.content
  const path = takeCurrentLease(layout, leaseDir, resolution.key, { sizeBytes, mtimeNs })
  if (path === undefined) return undefined
  touchImage(layout, resolution.key)
  return {
    ...factsOf(resolution),
    path,
    format,
    virtualSizeBytes,
    stamp: { sizeBytes, mtimeNs },
    digest: resolution.digest,
    resolved: { at: new Date(resolution.resolvedAt).toISOString(), stale: undefined },
    leaseDir,
  }
}

/** A run that lives long may hold a lease of an older file of that name, which was found changed and replaced since. */
function takeCurrentLease(
  layout: CacheLayout,
  leaseDir: string | undefined,
  key: string,
  stamp: Stamp,
): string | undefined {
  const path = takeLease(layout, leaseDir, key)
  if (path === undefined || isUnchanged(path, stamp)) return path
  if (leaseDir !== undefined) dropLease(leaseDir, key)
  const renewed = takeLease(layout, leaseDir, key)
  return renewed !== undefined && isUnchanged(renewed, stamp) ? renewed : undefined
}
