/**
 * The run of a test framework's main process, as the project's configuration wants it: what the global setups have in
 * common.
 */
import { existsSync } from 'node:fs'
import { checkConfig } from '../config/check-config.js'
import { loadConfig } from '../config/load-config.js'
import { imagesFromEnvironment, makeContext } from '../context.js'
import { VmImageError } from '../errors.js'
import type { Options } from '../options.js'
import { isPlainFile } from '../request/is-plain-file.js'
import { type ImageInput, parseRequest } from '../request/request.js'
import { progressLines } from '../run/progress-lines.js'
import type { Run, RunOptions } from '../run/run.js'
import { joinRun } from '../run/shared-run.js'
import { scanFiles } from '../scan/scan-files.js'
import { unreadText } from '../scan/unread-text.js'
import { processName } from '../store/owner.js'

/** An option wins over its variable, and that over vmimage.config.*; images and providers of all of them count. */
export interface VmImagesOptions extends Options, Omit<RunOptions, 'images' | 'session' | 'areFound'> {
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
export interface ConfiguredRun extends Omit<Run, 'startAgain'> {
  /** Says that the tests begin anew, and fetches what could not be had before. */
  startAgain(): Promise<void>
  /**
   * Fetches what the tests in these files ask for, where the configuration wants it found there. The files are asked for
   * only then.
   */
  addNamedIn(files: () => Promise<readonly string[]>): Promise<void>
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
  const listed = images === 'auto' ? [] : (images ?? [])
  const wanted = isOnDemand ? [] : [...config.images, ...listed, ...imagesFromEnvironment()]
  const run = await joinRun(
    {
      images: wanted,
      strict,
      // Each process has a run of its own then, and all that one command starts are one to people.
      session: isOnDemand ? processName(process.ppid) : undefined,
      // Those of the framework's configuration last: of two with one name the later one counts.
      providers: [...config.providers, ...providers],
    },
    makeContext({ ...options, report }, undefined, config.options),
  )
  // Where nobody has said anything, and where anybody has said so.
  const said = new Set([images === undefined ? undefined : images === 'auto', config.isAuto])
  const isAuto = said.has(true) || !said.has(false)
  return {
    async addNamedIn(files) {
      if (!isAuto) return
      const { images: named, unread, problems } = await scanFiles(await files())
      const left = unreadText(unread)
      if (left !== undefined) report({ type: 'warning', message: left })
      for (const { place, message } of problems) {
        report({ type: 'warning', message: `cannot tell which images ${place} names: ${message}` })
      }
      await run.add({ images: named.map(({ input }) => input).filter(isToFetch), strict, areFound: true })
    },
    get info() {
      return run.info
    },
    add: (more) => run.add({ strict, ...more }),
    startAgain() {
      run.startAgain()
      return run.add({ images: wanted })
    },
    close: () => run.close(),
  }
}

/**
 * What a test means to be refused is the test's own affair, and so is a plain file; a packed one may not be there yet.
 */
function isToFetch(input: ImageInput): boolean {
  try {
    const request = parseRequest(input)
    if (request.kind === 'file' && !existsSync(request.path)) return false
    return !isPlainFile(request)
  } catch (error) {
    if (error instanceof VmImageError || error instanceof TypeError) return false
    throw error
  }
}

function checkOptions({ report: _report, signal: _signal, ...config }: VmImagesOptions, place: string): void {
  checkConfig(config, place)
}
