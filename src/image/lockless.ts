/** Whether there is no lock to be had: in a cache that is full, or cannot be written. What follows says what that means. */
import { VmImageError } from '../errors.js'

export function isLockless(error: unknown): boolean {
  return error instanceof VmImageError && ['CACHE_UNWRITABLE', 'NO_SPACE'].includes(error.code)
}
