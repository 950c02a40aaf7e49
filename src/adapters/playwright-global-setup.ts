/**
 * Playwright's global setup: one run from before the first worker to after the last.
 * `globalSetup: 'vmimage/playwright/global-setup'`.
 */
import { handOver, takeBack } from '../run/handed-run.js'
import { startConfiguredRun } from './configured-run.js'
import { type PlaywrightProject, playwrightTestFiles } from './test-files.js'

/** What is used of Playwright's own `FullConfig`. */
interface FullConfig {
  readonly rootDir: string
  readonly projects: readonly PlaywrightProject[]
}

/** Called by Playwright in its main process. Returns the teardown. */
async function setup({ rootDir, projects }: FullConfig): Promise<() => void> {
  const run = await startConfiguredRun({ root: rootDir })
  await run.addNamedIn(() => playwrightTestFiles(projects))
  handOver(run.info)
  return () => {
    takeBack()
    run.close()
  }
}

// Playwright takes the default export.
export { setup as default }
