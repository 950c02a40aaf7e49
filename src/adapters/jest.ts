/**
 * useVmImage for Jest: a fresh disk for the test that calls it. Deleted after the test, kept when it failed.
 *
 * Jest loads this for each test file, as CommonJS: nothing here leads to the network, to other programs or to locks.
 */
import { VmImageError } from '../errors.js'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import { callText, type OpenOptions, testFinished } from '../run/scope.js'
import { print, shared } from './jest-attempt.js'
import { outsideTest } from './refusals.js'

export type { VmImage } from '../image/vm-image.js'
export type { ImageInput } from '../request/request.js'
export type { OpenOptions as UseVmImageOptions } from '../run/scope.js'

// Before the first test of the file: who listens later does not hear whose test it is.
const state = shared()

/**
 * Opens a fresh qcow2 overlay for the current test. In a test or in beforeEach it lives until the test and its hooks are
 * over; in beforeAll until the last test of its describe().
 *
 * @param image `'fedora'`, `'fedora:41'`, a URL, a path, or a record; one of the images that the configuration lists, or
 * a file of your own that is not packed.
 * @throws VmImageError NOT_CACHED when it would have to be downloaded; OUTSIDE_TEST, TEST_FINISHED, NO_RUN,
 * UNSUPPORTED_RUNNER; or what kept the image away before the tests.
 * @example
 * test('boots', async () => {
 *   const image = await useVmImage('fedora')
 *   await boot(image.path)
 * })
 */
export async function useVmImage(image: ImageInput, options: OpenOptions = {}): Promise<VmImage> {
  if (!state.isTold) {
    state.isLate = shared().isTold
    if (!state.isLate) throw unsupported(image)
  }
  const attempt = state.storage.getStore()
  if (attempt === undefined) {
    throw state.isLate ? tooEarly(image) : outsideTest(image, 'a test, beforeEach or beforeAll')
  }
  if (attempt.isOver) throw testFinished(image, attempt.scope.name)
  try {
    return await attempt.scope.open(image, options)
  } catch (error) {
    const reason = await attempt.scope.skipReason(error)
    if (reason !== undefined) {
      attempt.unavailable.add(error)
      print(`vmimage: skipped "${attempt.scope.name}": ${reason}`)
    }
    throw error
  }
}

/** The runner tells from the first call on; of the test that called it has told already. */
function tooEarly(image: ImageInput): VmImageError {
  return new VmImageError(
    'UNSUPPORTED_RUNNER',
    `${callText(image)} does not know the test that called it: "vmimage/jest" was imported before Jest's runner was loaded, ` +
      'as the files of "setupFiles" are.\n' +
      'Import it in a file of "setupFilesAfterEnv" instead, or in the test file alone.',
  )
}

function unsupported(image: ImageInput): VmImageError {
  return new VmImageError(
    'UNSUPPORTED_RUNNER',
    `${callText(image)} found no runner of Jest 30 or newer that tells it of the tests: ` +
      'this is an older Jest, another "testRunner" than jest-circus, or no Jest at all.\n' +
      'Update Jest to 30, or use openVmImage() from "vmimage".',
  )
}
