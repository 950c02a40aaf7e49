/**
 * Run: one run of a test suite, as its main process sees it. It owns the run directory in which all overlays of all
 * workers are, fetches the images before the first test, and removes everything when the process ends. Workers get
 * a {@link RunInfo}, plain JSON, and touch neither the network nor the cache's locks.
 */
import { clearInterval, setInterval } from 'node:timers'
import type { Arch } from '../arch.js'
import type { Context, KeepPolicy } from '../context.js'
import type { BaseImage } from '../image/base-image.js'
import { imageProviders, type Provider } from '../providers/index.js'
import type { ImageInput } from '../request/request.js'
import { keptDirectory } from '../store/layout.js'
import { openRunDirectory, sweepDeadRuns } from '../store/run-directory.js'
import { Prewarmed, type PrewarmError } from './prewarm.js'
import { onProcessEnd } from './process-end.js'
import { formatProviders } from './provider-text.js'

/** What a worker needs to know of the run it belongs to. */
export interface RunInfo {
  /** The private directory of this run's overlays. */
  readonly overlayDir: string
  /** Where this run's leases are; undefined when the cache is read-only. */
  readonly leaseDir: string | undefined
  readonly cacheDir: string
  /** Where the overlays of failed tests are moved; on the same file system as `overlayDir`. */
  readonly keptDir: string
  /** The architecture of images that are asked for without one. */
  readonly arch: Arch
  readonly keep: KeepPolicy
  readonly keepLast: number
  /** The providers that the configuration added, as `formatProviders()` writes them. */
  readonly providers: string
  /** The images that are ready, by `requestKey()`. */
  readonly images: Readonly<Record<string, BaseImage>>
  /** The ones that could not be had, and why. */
  readonly errors: Readonly<Record<string, PrewarmError>>
}

export interface RunOptions {
  /** What the tests will ask for. */
  readonly images: readonly ImageInput[]
  /** True: an image that cannot be had fails the run. False: it fails the tests that ask for it. Default false. */
  readonly strict?: boolean | undefined
  /** Providers of your own, which tests may then name: known in this process and in the workers. Default: none. */
  readonly providers?: readonly Provider[] | undefined
}

export interface Run {
  readonly info: RunInfo
  /** Fetches what this run does not have yet; each image once, with one build for the whole run. */
  add(options: RunOptions): Promise<void>
  /** Removes the run's directories, synchronously: overlays of tests that still run are gone with it. Idempotent. */
  close(): void
}

/** A run that nobody else can judge (from another machine or container) counts as dead after a silent day. */
const heartbeatMs = 10 * 60_000

/**
 * Starts a run: removes what dead runs left, makes the run directory, sees to its end, fetches the images.
 *
 * @throws VmImageError INVALID_REQUEST for an image that is none; with `strict`, whatever kept an image away.
 */
export async function startRun(options: RunOptions, context: Context): Promise<Run> {
  const run = await openRun(context)
  try {
    await run.add(options)
    return run
  } catch (error) {
    run.close()
    throw error
  }
}

async function openRun(context: Context): Promise<Run> {
  sweepDeadRuns(context)
  const directory = await openRunDirectory(context)
  const closing = new AbortController()
  const forgetEnd = onProcessEnd(() => directory.removeSync())
  const heartbeat = setInterval(() => directory.touch(), heartbeatMs).unref()
  const signal = AbortSignal.any([context.signal, closing.signal])
  const providers = new Map<string, Provider>()
  const prewarmed = new Prewarmed(directory.leaseDir, { ...context, signal })
  return {
    get info() {
      return {
        overlayDir: directory.overlayDir,
        leaseDir: directory.leaseDir,
        cacheDir: context.cacheDir,
        keptDir: keptDirectory(context.overlayDir),
        arch: context.arch,
        keep: context.keep,
        keepLast: context.keepLast,
        providers: formatProviders([...providers.values()]),
        images: Object.fromEntries(prewarmed.images),
        errors: Object.fromEntries(prewarmed.errors),
      }
    },
    add: ({ images, strict = false, providers: added = [] }) => {
      for (const provider of added) {
        imageProviders.add(provider)
        providers.set(provider.name, provider)
      }
      return prewarmed.add(images, strict)
    },
    close() {
      closing.abort()
      clearInterval(heartbeat)
      forgetEnd()
      directory.removeSync()
    },
  }
}
