/** A test's disk: its base image found, its overlay made. Loaded with the first disk, not with the adapter. */
import { type OverlayOptions, openOverlay } from '../image/overlay.js'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import { parseSize } from '../request/size.js'
import { findListed, type Prepared } from './listed.js'
import type { PrepareOptions } from './prepared.js'
import type { RunInfo } from './run.js'

/**
 * Finds the base image that a test asks for. What reads words that nobody listed is most of the package, and loaded
 * only for them.
 *
 * @throws what `findListed()` and `prepare()` throw.
 */
export async function findBase(input: ImageInput, run: RunInfo, options: PrepareOptions): Promise<Prepared> {
  const listed = findListed(input, run)
  if (listed) return listed
  const { prepare } = await import('./prepared.js')
  return prepare(input, run, options)
}

export interface DiskOptions extends Pick<OverlayOptions, 'directory' | 'extendedL2' | 'test'> {
  /** As callers write it; it wins over the size in the request. */
  readonly size: string | number | undefined
}

/** Makes the overlay, without a wait. */
export function openDisk({ base, sizeBytes }: Prepared, { size, ...options }: DiskOptions): VmImage {
  return openOverlay(base, { ...options, sizeBytes: size === undefined ? sizeBytes : parseSize(size) })
}
