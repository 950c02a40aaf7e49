/** What the configuration says, on its way from the plugin to the global setup; both run in the main process. */
import type { TestProject } from 'vitest/node'
import { processWide } from '../run/process-wide.js'
import type { VmImagesOptions } from './configured-run.js'

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
