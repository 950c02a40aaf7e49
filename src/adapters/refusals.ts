/** What the adapters refuse in the same words. */
import { VmImageError } from '../errors.js'
import type { ImageInput } from '../request/request.js'
import { callText } from '../run/scope.js'

export function outsideTest(input: ImageInput, places: string): VmImageError {
  return new VmImageError(
    'OUTSIDE_TEST',
    `${callText(input)} must be called inside ${places}; here no test is running.\n` +
      'For a disk that outlives one test use openVmImage() with "await using".',
  )
}

/** @param cure what to write into which file. */
export function noRun(cure: string): VmImageError {
  return new VmImageError(
    'NO_RUN',
    `Cannot open an image: there is no run directory, as the global setup of vmimage did not run.\n${cure}`,
  )
}
