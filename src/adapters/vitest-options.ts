/** What the configuration says, on its way from the plugin to the global setup; both run in the main process. */
import type { TestProject } from 'vitest/node'
import type { Options } from '../options.js'
import { processWide } from '../run/process-wide.js'
import type { RunOptions } from '../run/run.js'

/** An option wins over its variable, and that over vmimage.config.*; images and providers of all of them count. */
export interface VmImagesOptions extends Options, Omit<RunOptions, 'images'> {
  /** What the tests will ask for; fetched before the first one starts, with those of `$VMIMAGE_IMAGES`. Default none. */
  readonly images?: RunOptions['images'] | undefined
}

export function handOver(project: TestProject, options: VmImagesOptions): void {
  handedOver().set(project, options)
}

/** The plugin's options for this project; without the plugin, what the configuration provides as `vmImages`. */
export function optionsOf(project: TestProject): VmImagesOptions {
  return handedOver().get(project) ?? project.getProvidedContext().vmImages ?? {}
}

function handedOver(): WeakMap<TestProject, VmImagesOptions> {
  return processWide('vmimage.vitest-options.1', () => new WeakMap())
}
