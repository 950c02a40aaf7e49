/**
 * Playwright Test's `test` with a fixture `vmImage`: fresh disks for the test that asks for them. Deleted after the test,
 * kept when it failed.
 */
import {
  type PlaywrightTestArgs,
  type PlaywrightTestOptions,
  type PlaywrightWorkerArgs,
  type PlaywrightWorkerOptions,
  test as base,
  type TestInfo,
  type TestType,
} from '@playwright/test'
import { VmImageError } from '../errors.js'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import { findHandedRun } from '../run/handed-run.js'
import { callText, type OpenOptions, Scope } from '../run/scope.js'
import { addToError, keptLine } from './kept-line.js'
import { onDemandRun } from './on-demand-run.js'

export type { VmImage } from '../image/vm-image.js'
export type { ImageInput } from '../request/request.js'
export type { OpenOptions as UseVmImageOptions } from '../run/scope.js'

/** Opens a fresh qcow2 overlay for the test that has the fixture. */
export type OpenVmImage = (image: ImageInput, options?: OpenOptions) => Promise<VmImage>

/** Without the fixture that is for ourselves. */
type TestWithImages = TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & { readonly vmImage: OpenVmImage },
  PlaywrightWorkerArgs & PlaywrightWorkerOptions
>

/** The tests that run: Playwright makes what is wanted by each test between its hooks of beforeAll and of afterAll. */
const running = new WeakSet<TestInfo>()

/**
 * With `globalSetup: 'vmimage/playwright/global-setup'` images are fetched before the tests; without, when a test asks
 * for one. The fixture refuses with OUTSIDE_TEST in beforeAll and afterAll, where Playwright ends it with the hook.
 *
 * @example
 * test('boots', async ({ vmImage }) => {
 *   const image = await vmImage('fedora')
 *   await boot(image.path)
 * })
 */
export const test: TestWithImages = base.extend<{ vmImage: OpenVmImage; vmImageTest: void }>({
  vmImageTest: [
    // oxlint-disable-next-line no-empty-pattern -- as below
    async ({}, use, testInfo) => {
      running.add(testInfo)
      await use()
      running.delete(testInfo)
    },
    { auto: true, box: true },
  ],
  // Playwright reads from the parameters which fixtures are wanted: none.
  // oxlint-disable-next-line no-empty-pattern -- see above
  vmImage: async ({}, use, testInfo) => {
    const run = findHandedRun() ?? (await onDemandRun())
    const scope = new Scope({
      name: testInfo.titlePath.join(' > '),
      run: () => ('info' in run ? run.info : run),
      timeoutMs: testInfo.timeout,
      print,
    })
    await use(async (image, options = {}) => {
      // A scope that has ended says that itself, as the test has begun since the hook.
      if (!running.has(testInfo) && !scope.isClosed) throw insideHook(image)
      try {
        if ('info' in run) await run.add({ images: [image], strict: true })
        return await scope.open(image, options)
      } catch (error) {
        const reason = await scope.skipReason(error)
        if (reason !== undefined) {
          // Of Playwright's reporters only the one that writes HTML shows why a test was skipped.
          print(`vmimage: skipped "${scope.name}": ${reason}`)
          testInfo.skip(true, reason)
        }
        throw error
      }
    })
    const failed = testInfo.status !== testInfo.expectedStatus
    const kept = await scope.close({ failed, attempt: testInfo.retry + 1 })
    for (const image of kept) {
      print(keptLine(image))
      addToError(testInfo.errors.at(-1), keptLine(image))
    }
  },
})

function insideHook(image: ImageInput): VmImageError {
  return new VmImageError(
    'OUTSIDE_TEST',
    `${callText(image).replace('useVmImage', 'vmImage')} must be called inside a test, beforeEach or a fixture; ` +
      'here it is inside beforeAll or afterAll, whose disks Playwright has deleted before the next test.\n' +
      'For a disk that several tests share use openVmImage() from "vmimage" in beforeAll, and dispose() of it in afterAll.',
  )
}

function print(line: string): void {
  console.error(line)
}
