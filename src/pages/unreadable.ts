/** The error for a page that should list files and does not. */
import { VmImageError } from '../errors.js'

/** `found` says what the page is, as a part of a sentence: `an ordinary web page`. */
export function unreadable(url: string, found: string, cause?: unknown): VmImageError {
  return new VmImageError(
    'LISTING_UNREADABLE',
    `Cannot read the listing "${url}": it is ${found}, expected a list of files.\n` +
      'Open the address in a browser: the login page of a network, a proxy or a moved site may be in the way.',
    { cause },
  )
}
