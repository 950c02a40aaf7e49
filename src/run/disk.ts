/** A test's disk: its base image found, its overlay made. Loaded with the first disk, not with the adapter. */
import { type OverlayOptions, openOverlay } from '../image/overlay.js'
import { stateOf, type VmImage } from '../image/vm-image.js'
import { isKeepPolicy } from '../option-values.js'
import type { ImageInput } from '../request/request.js'
import { parseSize } from '../request/size.js'
import type { KeptImage } from './keep.js'
import { findListed, type Prepared } from './listed.js'
import type { PrepareOptions } from './prepared.js'
import type { RunInfo } from './run.js'
import type { OpenOptions } from './scope.js'

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

/** @throws TypeError, as a disk that should be kept would be gone before anybody sees the mistake. */
export function checkOptions({ size: _size, extendedL2, keep, ...others }: OpenOptions): void {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new TypeError(`useVmImage() has no option "${unknown}". Known: size, extendedL2, keep.`)
  }
  if (keep !== undefined && !isKeepPolicy(keep)) {
    throw new TypeError(`The option keep is ${JSON.stringify(keep)}, expected never, on-failure or always.`)
  }
  if (extendedL2 !== undefined && typeof extendedL2 !== 'boolean') {
    throw new TypeError(`The option extendedL2 is ${JSON.stringify(extendedL2)}, expected true or false.`)
  }
}

export interface DiskOptions extends Pick<
  OverlayOptions,
  'directory' | 'keeping' | 'warn' | 'extendedL2' | 'test'
> {
  /** As callers write it; it wins over the size in the request. */
  readonly size: string | number | undefined
}

/** Makes the overlay, without a wait. */
export function openDisk({ base, sizeBytes }: Prepared, { size, ...options }: DiskOptions): VmImage {
  return openOverlay(base, { ...options, sizeBytes: size === undefined ? sizeBytes : parseSize(size) })
}

/** A disk, and all that was forked from it and is there. */
export function familyOf(image: VmImage): readonly VmImage[] {
  return [image, ...[...stateOf(image).forks].flatMap(familyOf)]
}

/** The disks that `image.keep()` was called for. */
export function keptByWish(disks: readonly { readonly image: VmImage }[]): readonly KeptImage[] {
  return disks.flatMap(({ image }) => {
    const { kept } = stateOf(image)
    return kept ? [{ image: `${image.name} ${image.version}`.trim(), path: kept.path }] : []
  })
}
