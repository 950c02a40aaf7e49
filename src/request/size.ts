/** The size of a disk in a request. */
import { sizeInBytes } from '../size.js'
import { invalidRequest } from './invalid.js'

/**
 * Reads a size into bytes; see {@link sizeInBytes} for the forms.
 *
 * @throws VmImageError INVALID_REQUEST when it is no size, or not a whole number of bytes.
 */
export function parseSize(size: string | number): number {
  const bytes = sizeInBytes(size)
  if (bytes !== undefined) return bytes
  throw invalidRequest('size', size, 'a number of bytes, or one with a unit as in "512M", "20G", "1T"')
}
