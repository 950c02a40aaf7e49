/** Reading what others have put somewhere: it may be gone, hidden from this user, or a link to nowhere. */
import { systemErrorCode } from '../errors.js'

/** What `read` returns; undefined for what cannot be read, which is then as good as not there. */
export function whenReadable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}
