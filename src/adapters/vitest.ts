/**
 * useVmImage: a fresh disk for the test that calls it. Deleted after the test, kept when it failed.
 *
 * Loaded by every test file that uses it, so nothing here leads to the network, to other programs or to locks.
 */
import { type TestContext, test as base } from 'vitest'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import { type OpenOptions, testFinished } from '../run/scope.js'
import { findAttempt } from './vitest-attempt.js'

export type * from './vitest-provided.js'
export type { VmImage } from '../image/vm-image.js'
export type { ImageInput } from '../request/request.js'

export interface UseVmImageOptions extends OpenOptions {
  /** The context of the test; only needed in concurrent tests where the setup file is not installed. */
  readonly context?: TestContext | undefined
}

/**
 * Opens a fresh qcow2 overlay for the current test. In a test, in beforeEach or in a fixture it lives until the test
 * and its hooks are over; in beforeAll until the last test of the file.
 *
 * @param image `'fedora'`, `'fedora:41'`, a URL, a path, or a record; one of the images that the configuration lists, or
 * a file of your own that is not packed.
 * @throws VmImageError NOT_CACHED when it would have to be downloaded; OUTSIDE_TEST, AMBIGUOUS_TEST, TEST_FINISHED,
 * NO_RUN; or what kept the image away before the tests.
 * @example
 * test('boots', async () => {
 *   const image = await useVmImage('fedora')
 *   await boot(image.path)
 * })
 */
export async function useVmImage(image: ImageInput, options: UseVmImageOptions = {}): Promise<VmImage> {
  const { context, ...rest } = options
  const attempt = findAttempt(image, context)
  if (attempt.isOver()) throw testFinished(image, attempt.scope.name)
  try {
    return await attempt.scope.open(image, rest)
  } catch (error) {
    const reason = await attempt.scope.skipReason(error)
    if (reason !== undefined) attempt.skip(reason)
    throw error
  }
}

/** Vitest's `test` with `useVmImage` as a fixture, for those who like to get things through the context. */
export const test = base.extend<{ vmImage: typeof useVmImage }>({
  vmImage: async ({ task }, use) => {
    await use((image, options) => useVmImage(image, { context: task.context, ...options }))
  },
})
