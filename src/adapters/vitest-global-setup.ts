/**
 * Vitest's global setup: one run from before the first worker to after the last. The plugin installs it; by hand it is
 * `globalSetup: ['vmimage/vitest/global-setup']`, with the images in `provide: { vmImages: { images: [...] } }` and in
 * the variable VMIMAGE_IMAGES. Either way vmimage.config.* counts as well, searched for from the project's root.
 */
import type { TestProject } from 'vitest/node'
import { startConfiguredRun } from './configured-run.js'
import { optionsOf } from './vitest-options.js'

export type * from './vitest-provided.js'

/** Called by Vitest in its main process. Returns the teardown, which waits for nothing: Vitest sets it no limit. */
export async function setup(project: TestProject): Promise<() => void> {
  // Checked here and not in the plugin, which is a part of every start of Vitest and loads nothing.
  const given = { options: optionsOf(project), place: 'vmImages()' }
  const run = await startConfiguredRun({ root: project.config.root, given })
  await run.addNamedIn(() => sourcesOf(project))
  project.provide('vmimage', run.info)
  project.onTestsRerun(async (specifications) => {
    await run.startAgain()
    await run.addNamedIn(() => Promise.resolve(specifications.map(({ moduleId }) => moduleId)))
    project.provide('vmimage', run.info)
  })
  return () => run.close()
}

/** The test files that will run, and what runs before each of them. */
async function sourcesOf(project: TestProject): Promise<readonly string[]> {
  // Of `vitest run boots`; internal, and where it is missing more is fetched than needed.
  const { filenamePattern } = project.vitest as { readonly filenamePattern?: string[] }
  const { testFiles } = await project.globTestFiles(filenamePattern)
  // Ours is among them, by a path with a query.
  const own = project.config.setupFiles.filter((file) => !/[/\\]node_modules[/\\]|\?/.test(file))
  return [...own, ...testFiles]
}
