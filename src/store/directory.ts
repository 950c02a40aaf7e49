/** Reading directories that may not be there yet: an empty cache is a normal cache. */
import { readdirSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'

/** The names in a directory; none when it does not exist. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []
    throw error
  }
}
