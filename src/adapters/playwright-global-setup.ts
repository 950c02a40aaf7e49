/**
 * Playwright's global setup: one run from before the first worker to after the last.
 * `globalSetup: 'vmimage/playwright/global-setup'`.
 */
import { findSources } from '../scan/find-sources.js'
import { handOver, takeBack } from '../run/handed-run.js'
import { startConfiguredRun } from './configured-run.js'

/** What is used of Playwright's own `FullConfig`. */
interface FullConfig {
  readonly rootDir: string
}

/** Called by Playwright in its main process. Returns the teardown. */
async function setup({ rootDir }: FullConfig): Promise<() => void> {
  const run = await startConfiguredRun({ root: rootDir })
  await run.addNamedIn(() => findSources(rootDir))
  handOver(run.info)
  return () => {
    takeBack()
    run.close()
  }
}

// Playwright takes the default export.
export { setup as default }
