/**
 * Playwright Test's `test` with a fixture `vmImage`: fresh disks for the test that asks for them. Deleted after the test,
 * kept when it failed.
 */
import { test as base } from '@playwright/test'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import { findHandedRun } from '../run/handed-run.js'
import { type OpenOptions, Scope } from '../run/scope.js'
import { addToError, keptLine } from './kept-line.js'
import { onDemandRun } from './on-demand-run.js'

export type { VmImage } from '../image/vm-image.js'

/** Opens a fresh qcow2 overlay for the test that has the fixture. */
export type OpenVmImage = (image: ImageInput, options?: OpenOptions) => Promise<VmImage>

/**
 * With `globalSetup: 'vmimage/playwright/global-setup'` images are fetched before the tests; without, when a test asks
 * for one.
 *
 * @example
 * test('boots', async ({ vmImage }) => {
 *   const image = await vmImage('fedora')
 *   await boot(image.path)
 * })
 */
export const test = base.extend<{ vmImage: OpenVmImage }>({
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

function print(line: string): void {
  console.error(line)
}
