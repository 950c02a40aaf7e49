/** Overlays in memory that somebody chose: fast, and too small for a guest that writes much. */
import { statfsSync } from 'node:fs'
import { type Context, defaultOverlayDir } from '../context.js'
import { titleOf } from '../image-facts.js'
import { sizeText } from '../progress-text.js'
import { isTmpfs } from '../store/run-directory.js'
import type { BaseImage } from './base-image.js'

/**
 * Warns when the overlay directory is a tmpfs that has less room than the largest of the disks can take. Nothing is said of
 * the default directory, which is pointed out as a tmpfs of any size, nor of real disks, which guests seldom fill.
 *
 * @returns whether it did.
 */
export function warnOfLittleMemory(
  bases: Iterable<BaseImage>,
  { overlayDir, report }: Pick<Context, 'overlayDir' | 'report'>,
): boolean {
  const [largest] = [...bases].toSorted((a, b) => b.virtualSizeBytes - a.virtualSizeBytes)
  if (largest === undefined || overlayDir === defaultOverlayDir() || !isTmpfs(overlayDir)) return false
  const { bavail, bsize } = statfsSync(overlayDir)
  if (bavail * bsize >= largest.virtualSizeBytes) return false
  report({
    type: 'warning',
    message:
      `${overlayDir} is a tmpfs with ${sizeText(bavail * bsize)} left, and the disk of ${titleOf(largest)} can grow to ${sizeText(largest.virtualSizeBytes)}: ` +
      'a guest that writes much fails. Set VMIMAGE_OVERLAY_DIR to a directory on a disk.',
  })
  return true
}
