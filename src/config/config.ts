/** Config: what a project says once, in `vmimage.config.*`, for the command line and for every test framework. */
import type { Options } from '../options.js'
import type { ProviderDefinition } from '../providers/index.js'
import type { ImageInput } from '../request/request.js'

/** Relative directories are meant from the directory of the file; an option or a variable wins over what is here. */
export interface Config extends Omit<Options, 'report' | 'signal'> {
  /**
   * What the tests will ask for; fetched before the first one starts, and by `vmimage fetch` without names. `'auto'`:
   * what the files of the tests name. Default `'auto'` for the tests, and none for the command.
   */
  readonly images?: readonly ImageInput[] | 'auto' | undefined
  /** True: an image that cannot be had fails the run. False: it fails the tests that ask for it. Default false. */
  readonly strict?: boolean | undefined
  /** Providers of your own, as `defineProvider()` returns or takes them. Default: none. */
  readonly providers?: readonly ProviderDefinition[] | undefined
}

/**
 * Returns its argument, for which an editor now knows the types.
 *
 * @example
 * // vmimage.config.ts
 * export default defineConfig({ images: ['fedora', 'debian:13'] })
 */
export function defineConfig(config: Config): Config {
  return config
}
