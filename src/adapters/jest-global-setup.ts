/**
 * Jest's global setup: one run from before the first worker to after the last. `globalSetup: 'vmimage/jest/global-setup'`;
 * the images are those of vmimage.config.*, the key `vmimage` of package.json and VMIMAGE_IMAGES, else what the tests name.
 */
import { findSources } from '../scan/find-sources.js'
import { handOver } from '../run/handed-run.js'
import { startConfiguredRun } from './configured-run.js'
import { jestRuns } from './jest-run.js'

/** What is used of Jest's own `Config.GlobalConfig`. */
interface GlobalConfig {
  readonly rootDir: string
}

/** What is used of Jest's own `Config.ProjectConfig`. */
interface ProjectConfig {
  readonly roots: readonly string[]
}

/** Called by Jest in its main process, before each run of the tests, in watch mode too. */
async function setup({ rootDir }: GlobalConfig, { roots }: ProjectConfig): Promise<void> {
  const run = await startConfiguredRun({ root: rootDir })
  await run.addNamedIn(() => sourcesIn([...new Set([rootDir, ...roots])]))
  jestRuns().add(() => run.close())
  handOver(run.info)
}

/** Jest calls this once for all projects and does not tell which tests it will run, so all that lies there is read. */
async function sourcesIn(directories: readonly string[]): Promise<readonly string[]> {
  return [...new Set((await Promise.all(directories.map(findSources))).flat())]
}

// Jest takes the default export.
export { setup as default }
