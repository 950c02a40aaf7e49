/**
 * errorOf: the VmImageError that a promise is expected to reject with.
 */
import { VmImageError } from '../../src/errors.js'

/** Anything but a rejection with a VmImageError fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<VmImageError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof VmImageError) return error
    throw error
  }
  throw new Error('expected a VmImageError, and nothing was thrown')
}
