/**
 * Stamp: how to see with one look that a file is still the one that was verified. Size and time of the last write, not
 * ctime, which a hard link changes.
 */
import { statSync } from 'node:fs'

export interface Stamp {
  readonly sizeBytes: number
  /** Nanoseconds since 1970 as decimal text: they exceed a JavaScript number. */
  readonly mtimeNs: string
}

/** The stamp of a file, or undefined when it does not exist. */
export function stampOf(path: string): Stamp | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat && { sizeBytes: Number(stat.size), mtimeNs: String(stat.mtimeNs) }
}

export function isUnchanged(path: string, stamp: Stamp): boolean {
  const now = stampOf(path)
  return now?.sizeBytes === stamp.sizeBytes && now.mtimeNs === stamp.mtimeNs
}
