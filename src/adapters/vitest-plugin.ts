/** The Vitest plugin: the one line of configuration that a project needs. */
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vitest/config'
import type { VmImagesOptions } from './configured-run.js'
import { handOver } from './vitest-options.js'

export type { VmImagesOptions } from './configured-run.js'

/**
 * Fetches images before the tests, and gives `useVmImage()` what it needs: a run directory that is gone when the run
 * ends, and the current test, exact also where tests run concurrently.
 *
 * Images that cannot be had fail the tests that ask for them; with `strict` they fail the run.
 *
 * @example
 * // vitest.config.ts
 * export default defineConfig({ plugins: [vmImages({ images: ['fedora', 'debian:13'] })] })
 */
export function vmImages(options: VmImagesOptions = {}): Plugin {
  return {
    name: 'vmimage',
    configureVitest({ project }) {
      const { config } = project
      // Resolved by Vitest to a list, whatever the type says.
      const globalSetup = [config.globalSetup].flat()
      config.globalSetup = addOnce(globalSetup, ownFile('vitest-global-setup.js'))
      config.setupFiles = addOnce(config.setupFiles, setupFile)
      handOver(project, options)
    },
  }
}

/**
 * Hooks are registered anew for each test file, so this file must be evaluated anew. Without isolation and in the vm
 * pools Vitest does that only for files that it transforms, and what is in node_modules it transforms only when it
 * was configured so before plugins are asked, or when the query says so.
 */
const setupFile = `${ownFile('vitest-setup.js')}?inline`

/** First, so that our hooks are around those of the user's own setup files. */
function addOnce(files: readonly string[], file: string): string[] {
  return files.includes(file) ? [...files] : [file, ...files]
}

function ownFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
