/** Jest's global teardown: `globalTeardown: 'vmimage/jest/global-teardown'`. It waits for nothing: Jest sets it no limit. */
import { takeBack } from '../run/handed-run.js'
import { jestRuns } from './jest-run.js'

function teardown(): void {
  takeBack()
  for (const close of jestRuns()) close()
  jestRuns().clear()
}

// Jest takes the default export.
export { teardown as default }
