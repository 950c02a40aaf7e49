/**
 * The run of a test framework's main process, as the project's configuration wants it: what the global setups have in
 * common.
 */
import { checkConfig } from '../config/check-config.js'
import { loadConfig } from '../config/load-config.js'
import { imagesFromEnvironment, makeContext } from '../context.js'
import type { Options } from '../options.js'
import { progressLines } from '../run/progress-lines.js'
import type { Run, RunOptions } from '../run/run.js'
import { joinRun } from '../run/shared-run.js'

/** An option wins over its variable, and that over vmimage.config.*; images and providers of all of them count. */
export interface VmImagesOptions extends Options, Omit<RunOptions, 'images'> {
  /**
   * What the tests will ask for; fetched before the first one starts, with those of `$VMIMAGE_IMAGES`. `'auto'`: what the
   * files of the tests name, found by reading them. Default: `'auto'`, where the configuration file has no list either.
   */
  readonly images?: RunOptions['images'] | 'auto' | undefined
}

export interface Project {
  /** Where the search for the configuration file begins. */
  readonly root: string
  /** True: nothing is fetched in advance, whatever the configuration lists. Default false. */
  readonly isOnDemand?: boolean | undefined
  /** What the framework's own configuration says, and where. Default: nothing. */
  readonly given?: { readonly options: VmImagesOptions; readonly place: string } | undefined
}

/** A run, for as long as this member has not closed it. */
export interface ConfiguredRun extends Run {
  /** Whether what tests ask for is to be found in their files. */
  readonly isAuto: boolean
}

/** @throws VmImageError INVALID_CONFIG, and what `startRun()` throws. */
export async function startConfiguredRun({
  root,
  given,
  isOnDemand = false,
}: Project): Promise<ConfiguredRun> {
  const config = await loadConfig(root)
  if (given) checkOptions(given.options, given.place)
  const { images, strict = config.strict, providers = [], ...options } = given?.options ?? {}
  const report = options.report ?? progressLines((line) => console.error(line))
  const isNamed = images === undefined ? undefined : images === 'auto'
  const listed = images === 'auto' ? [] : (images ?? [])
  const run = await joinRun(
    {
      images: isOnDemand ? [] : [...config.images, ...listed, ...imagesFromEnvironment()],
      strict,
      // Those of the framework's configuration last: of two with one name the later one counts.
      providers: [...config.providers, ...providers],
    },
    makeContext({ ...options, report }, undefined, config.options),
  )
  const wishes = [isNamed, config.isAuto].filter((wish) => wish !== undefined)
  return {
    isAuto: wishes.length === 0 || wishes.includes(true),
    get info() {
      return run.info
    },
    add: (more) => run.add({ strict, ...more }),
    startAgain: () => run.startAgain(),
    close: () => run.close(),
  }
}

function checkOptions({ report: _report, signal: _signal, ...config }: VmImagesOptions, place: string): void {
  checkConfig(config, place)
}
