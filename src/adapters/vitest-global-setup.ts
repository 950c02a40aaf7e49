/**
 * Vitest's global setup: one run from before the first worker to after the last. The plugin installs it; by hand it is
 * `globalSetup: ['vmimage/vitest/global-setup']`, with the images in `provide: { vmImages: { images: [...] } }` and in
 * the variable VMIMAGE_IMAGES. Either way vmimage.config.* counts as well, searched for from the project's root.
 */
import type { TestProject } from 'vitest/node'
import { checkConfig } from '../config/check-config.js'
import { loadConfig } from '../config/load-config.js'
import { imagesFromEnvironment, makeContext } from '../context.js'
import { joinRun } from '../run/shared-run.js'
import { progressLines } from '../run/progress-lines.js'
import { optionsOf, type VmImagesOptions } from './vitest-options.js'

export type * from './vitest-provided.js'

/** Called by Vitest in its main process. Returns the teardown, which waits for nothing: Vitest sets it no limit. */
export async function setup(project: TestProject): Promise<() => void> {
  const config = await loadConfig(project.config.root)
  const given = optionsOf(project)
  checkOptions(given)
  const { images = [], strict = config.strict, providers = [], ...options } = given
  const report = options.report ?? progressLines((line) => console.error(line))
  const run = await joinRun(
    {
      images: [...config.images, ...images, ...imagesFromEnvironment()],
      strict,
      // Those of the plugin last: of two with one name the later one counts.
      providers: [...config.providers, ...providers],
    },
    makeContext({ ...options, report }, undefined, config.options),
  )
  project.provide('vmimage', run.info)
  project.onTestsRerun(() => run.startAgain())
  return () => run.close()
}

/** Here and not in the plugin, which is a part of every start of Vitest and loads nothing. */
function checkOptions({ report: _report, signal: _signal, ...config }: VmImagesOptions): void {
  checkConfig(config, 'vmImages()')
}
