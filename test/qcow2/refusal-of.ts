import { VmImageError } from '../../src/errors.js'
import { inspectImage, type InspectOptions } from '../../src/qcow2/inspect.js'

/** The error with which inspectImage() refuses the file at `path`; throws when it does not. */
export function refusalOf(path: string, options?: InspectOptions): VmImageError {
  try {
    inspectImage(path, options)
  } catch (error) {
    if (error instanceof VmImageError) return error
    throw error
  }
  throw new Error(`${path} was let in`)
}
