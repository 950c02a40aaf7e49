/**
 * Run: one run of a test suite, as its main process sees it. It owns the run directory in which all overlays of all
 * workers are, fetches the images before the first test, and removes everything when the process ends. Workers get
 * a {@link RunInfo}, plain JSON, and touch neither the network nor the cache's locks.
 */
import { basename } from 'node:path'
import type { Arch } from '../arch.js'
import type { Context } from '../context.js'
import type { KeepPolicy, OnUnavailable } from '../options.js'
import type { BaseImage } from '../image/base-image.js'
import { warnOfLittleMemory } from '../image/overlay-room.js'
import { readPinning } from '../image/pin-file.js'
import type { Pinning } from '../image/pins.js'
import { imageProviders, type Provider } from '../providers/index.js'
import type { ImageInput } from '../request/request.js'
import { keptDirectory } from '../store/layout.js'
import { collectDaily } from '../store/collect.js'
import { sweepOrphans } from '../store/orphans.js'
import { recordRun } from '../store/run-record.js'
import { openRunDirectory } from '../store/run-directory.js'
import { freePlaces } from './keep.js'
import type { ListedRequest, PrewarmError } from './listed.js'
import { prewarmedImages } from './prewarmed-images.js'
import { onProcessEnd } from './process-end.js'
import type { Trust } from '../trust.js'
import { formatProviders } from './provider-text.js'

/** What a worker needs to know of the run it belongs to. */
export interface RunInfo {
  /** The private directory of this run's overlays. */
  readonly overlayDir: string
  /** Where this run's leases are; undefined when the cache is read-only. */
  readonly leaseDir: string | undefined
  readonly cacheDir: string
  readonly extraCacheDirs: readonly string[]
  /** Where the overlays of failed tests are moved; on the same file system as `overlayDir`. */
  readonly keptDir: string
  /** The architecture of images that are asked for without one. */
  readonly arch: Arch
  /** An older resolution is marked as stale where a test finds it in the cache. */
  readonly maxResolveAgeMs: number
  readonly keep: KeepPolicy
  /** What people see as one run: kept disks of others make room for those of this one. In watch mode each turn is one. */
  readonly session: string
  readonly keepLast: number
  readonly keepMaxBytes: number
  readonly onUnavailable: OnUnavailable
  /** What a test takes that asks for no more and no less. */
  readonly minimumTrust: Trust
  /** Which exact files the requests of tests mean, and whether nothing else may be used. */
  readonly pinning: Pinning
  /** The providers that the configuration added, as `formatProviders()` writes them. */
  readonly providers: string
  /** The requests that were listed, by `inputWords()`. */
  readonly listed: Readonly<Record<string, ListedRequest>>
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
  /** True: the images were found in tests, which may ask for what nobody has to see it refused. Default false. */
  readonly areFound?: boolean | undefined
  /** Providers of your own, which tests may then name: known in this process and in the workers. Default: none. */
  readonly providers?: readonly Provider[] | undefined
  /** The same text for several runs that people see as one. Default: this run is one. */
  readonly session?: string | undefined
}

export interface Run {
  readonly info: RunInfo
  /** Fetches what this run does not have yet; each image once, with one build for the whole run. */
  add(options: RunOptions): Promise<void>
  /** Says that the tests begin anew (watch mode): kept disks are counted from 0, and what could not be had is asked for again. */
  startAgain(): void
  /** Removes the run's directories, synchronously: overlays of tests that still run are gone with it. Idempotent. */
  close(): void
}

/**
 * Starts a run: makes the run directory, sees to its end, removes what dead runs left, fetches the images.
 *
 * @throws VmImageError INVALID_REQUEST for an image that is none; INVALID_PINS; with `strict`, whatever kept an image away.
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
  const pinning = readPinning(context)
  // First, as it refuses directories that are not ours alone; then what is in them may be removed.
  const directory = await openRunDirectory(context)
  if (directory.leaseDir !== undefined) recordRun(directory.leaseDir, directory.overlayDir)
  const closing = new AbortController()
  const forgetEnd = onProcessEnd(() => directory.removeSync())
  const signal = AbortSignal.any([context.signal, closing.signal])
  const providers = new Map<string, Provider>()
  const keptDir = keptDirectory(context.overlayDir)
  const prewarmed = prewarmedImages(directory.leaseDir, { ...context, signal })
  let isWarned = false
  let session: string | undefined
  let turn = 1
  sweepOrphans(context)
  return {
    get info() {
      return {
        overlayDir: directory.overlayDir,
        leaseDir: directory.leaseDir,
        cacheDir: context.cacheDir,
        extraCacheDirs: context.extraCacheDirs,
        keptDir,
        arch: context.arch,
        maxResolveAgeMs: context.maxResolveAgeMs,
        keep: context.keep,
        session: session ?? `${basename(directory.overlayDir)}.${turn}`,
        keepLast: context.keepLast,
        keepMaxBytes: context.keepMaxBytes,
        onUnavailable: context.onUnavailable,
        minimumTrust: context.minimumTrust,
        pinning,
        providers: formatProviders([...providers.values()]),
        listed: Object.fromEntries(prewarmed.listed),
        images: Object.fromEntries(prewarmed.images),
        errors: Object.fromEntries(prewarmed.errors),
      }
    },
    async add({ images, strict = false, areFound = false, providers: added = [], session: given }) {
      session ??= given
      for (const provider of added) {
        imageProviders.add(provider)
        providers.set(provider.name, provider)
      }
      await prewarmed.add(images, { strict, areFound })
      isWarned ||= warnOfLittleMemory(prewarmed.images.values(), context)
      // Now that they are leased: nothing that this run needs can be taken for unused.
      if (images.length > 0) await collectDaily({ ...context, signal })
    },
    startAgain() {
      turn += 1
      prewarmed.forgetFailures()
      freePlaces(directory.overlayDir)
    },
    close() {
      closing.abort()
      // In this order: a signal in between would end the process and leave the directory. Those that came while it was
      // removed are heard before the next turn.
      try {
        directory.removeSync()
      } finally {
        setImmediate(forgetEnd)
      }
    },
  }
}
