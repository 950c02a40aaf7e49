/**
 * The gate's door: an image that keeps every rule comes out as a base, any other as a refusal that names the first
 * rule it breaks. examine.ts looks at the file.
 */
import { examineImage, type ExamineOptions } from './examine.js'
import { refusal } from './rule.js'

export type InspectOptions = ExamineOptions

/** An image that may be a base. */
export interface DiskImage {
  /** As it was given. */
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  /** Size of the disk that a guest sees; a multiple of 512. */
  readonly virtualSizeBytes: number
  readonly fileSizeBytes: number
  /** Whole sentences about what is odd, though legal. */
  readonly warnings: readonly string[]
}

/**
 * Inspects the file at `path`; links are not followed.
 *
 * @throws VmImageError FILE_NOT_FOUND when there is none.
 * @throws VmImageError UNSAFE_IMAGE or UNSUPPORTED_IMAGE when it breaks a rule; the message names the rule.
 */
export function inspectImage(path: string, options: InspectOptions = {}): DiskImage {
  const { format, virtualSizeBytes = 0, fileSizeBytes, breaches, warnings } = examineImage(path, options)
  const [first] = breaches
  if (first) throw refusal(path, first)
  // A file of any other format breaks rule W2.
  return { path, format: format === 'qcow2' ? 'qcow2' : 'raw', virtualSizeBytes, fileSizeBytes, warnings }
}
