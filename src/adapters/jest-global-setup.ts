/**
 * Jest's global setup: one run from before the first worker to after the last. `globalSetup: 'vmimage/jest/global-setup'`;
 * the images are those of vmimage.config.*, the key `vmimage` of package.json and VMIMAGE_IMAGES, else what the tests name.
 */
import { handOver } from '../run/handed-run.js'
import { startConfiguredRun } from './configured-run.js'
import { jestRuns } from './jest-run.js'

/** What is used of Jest's own `Config.GlobalConfig`. */
interface GlobalConfig {
  readonly rootDir: string
}

/** Called by Jest in its main process, before each run of the tests, in watch mode too. */
async function setup({ rootDir }: GlobalConfig): Promise<void> {
  const run = await startConfiguredRun({ root: rootDir })
  jestRuns().add(() => run.close())
  handOver(run.info)
}

// Jest takes the default export.
export { setup as default }
