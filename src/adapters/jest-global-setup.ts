/**
 * Jest's global setup: one run from before the first worker to after the last. `globalSetup: 'vmimage/jest/global-setup'`;
 * the images are those of vmimage.config.*, the key `vmimage` of package.json and VMIMAGE_IMAGES, else what the tests name.
 */
import { handOver } from '../run/handed-run.js'
import { startConfiguredRun } from './configured-run.js'
import { jestRuns } from './jest-run.js'
import { type JestGlobalConfig, type JestProjectConfig, jestTestFiles } from './test-files.js'

/** Called by Jest in its main process, once for all projects, before each run of the tests, in watch mode too. */
async function setup(globalConfig: JestGlobalConfig, projectConfig: JestProjectConfig): Promise<void> {
  const run = await startConfiguredRun({ root: globalConfig.rootDir })
  await run.addNamedIn(() => jestTestFiles(globalConfig, projectConfig))
  jestRuns().add(() => run.close())
  handOver(run.info)
}

// Jest takes the default export.
export { setup as default }
