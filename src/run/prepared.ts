/**
 * The base image that was prepared for a request before the tests began, or why there is none. For requests that have
 * to be read: what was listed by the same words is found by listed.ts.
 */
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { type BaseImage, leaseResolved } from '../image/base-image.js'
import { checkTrust } from '../image/check-trust.js'
import { findKnown } from '../image/known-resolution.js'
import { findLayered } from '../image/layered-image.js'
import { findPin, resolutionOf } from '../image/pins.js'
import { asStale } from '../image/stale.js'
import { fetchCommand, inputText } from '../image/request-text.js'
import { isPlainFile } from '../request/is-plain-file.js'
import {
  describeRequest,
  type FileRequest,
  type ImageInput,
  type ImageRequest,
  parseRequest,
  requestKey,
} from '../request/request.js'
import { isOwnProvider } from '../providers/index.js'
import { cacheLayout } from '../store/layout.js'
import { isUnchanged } from '../store/stamp.js'
import { type Prepared, prewarmingFailed } from './listed.js'
import { progressLines } from './progress-lines.js'
import { addProviders } from './provider-text.js'
import type { RunInfo } from './run.js'

export interface PrepareOptions {
  /** How long the test may take, for the message of what would have to be downloaded. Undefined: not known. */
  readonly timeoutMs: number | undefined
  /** Shows people a line: what is odd about a file that nobody listed. */
  readonly print: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Reads a request and finds its image.
 *
 * @throws VmImageError INVALID_REQUEST, UNKNOWN_SYSTEM, and what {@link prepareFile} and {@link findPrepared} throw.
 */
export async function prepare(
  input: ImageInput,
  run: RunInfo,
  { timeoutMs, print, signal }: PrepareOptions,
): Promise<Prepared> {
  addProviders(run.providers)
  const request = parseRequest(input)
  // A test may ask for one that nobody listed.
  const base = isPlainFile(request)
    ? await prepareFile(request, run, { report: progressLines(print), signal })
    : findPrepared(request, run, timeoutMs)
  return { base, sizeBytes: request.sizeBytes }
}

/**
 * The base image that a plain file is: as it was prepared, else inspected now. In watch mode it may be another one at
 * each turn.
 *
 * @throws VmImageError FILE_NOT_FOUND, DIGEST_MISMATCH, UNSAFE_IMAGE, UNSUPPORTED_IMAGE.
 */
export async function prepareFile(
  request: FileRequest,
  run: RunInfo,
  context: Pick<Context, 'report' | 'signal'>,
): Promise<BaseImage> {
  const known = run.images[requestKey(request, run.arch)]
  if (known && isUnchanged(known.path, known.stamp)) return known
  const { localBaseImage } = await import('../image/local-image.js')
  return localBaseImage(request, { ...context, arch: run.arch, now: Date.now })
}

/**
 * Finds the image among those of the run, else in the cache: a name that the list forgot is served when that takes
 * no network.
 *
 * @param timeoutMs how long the test may take, for the message.
 * @throws VmImageError NOT_CACHED, UNTRUSTED, NOT_PINNED, or with the code of what kept the image away before the tests began.
 */
export function findPrepared(request: ImageRequest, run: RunInfo, timeoutMs: number | undefined): BaseImage {
  const key = requestKey(request, run.arch)
  const failure = run.errors[key]
  if (failure && run.images[key] === undefined) {
    throw prewarmingFailed(describeRequest(request), failure)
  }
  // A packed file may have been packed anew since it was unpacked into the cache, so only this run's is served.
  const base = run.images[key] ?? (request.kind === 'file' ? undefined : findCached(request, run))
  if (base === undefined) throw notCached(request, run, timeoutMs)
  checkTrust(request, base, run)
  return base
}

function findCached(request: ImageRequest, run: RunInfo): BaseImage | undefined {
  const layout = cacheLayout(run.cacheDir)
  const pin = findPin(request, run.pinning, run)
  const resolution = pin ? resolutionOf(request, pin, run) : findKnown(layout, request, run)
  if (resolution === undefined) return undefined
  const base = leaseResolved(layout, run.leaseDir, resolution) ?? findLayered(resolution, run.leaseDir, run)
  // Only a name moves on to newer builds; a URL is one image, a digest even more so, and an import somebody's decision.
  const isFixed =
    pin !== undefined || request.kind !== 'named' || request.checksum !== undefined || resolution.isImported
  if (base === undefined || isFixed || Date.now() - resolution.resolvedAt <= run.maxResolveAgeMs) return base
  return asStale(base, 'a test uses no network.', Date.now())
}

function notCached(request: ImageRequest, run: RunInfo, timeoutMs: number | undefined): VmImageError {
  const name = describeRequest(request)
  const limit = timeoutMs === undefined ? '' : ` (this test's timeout is ${timeoutMs} ms)`
  const list = `Add ${inputText(request)} to images, in vmImages({ images }) or in vmimage.config.json`
  const isKnownToCli = request.kind !== 'named' || isOwnProvider(request.provider)
  if (request.kind === 'file') {
    return new VmImageError(
      'NOT_CACHED',
      `Cannot use "${name}": it is packed, and a test is no place to unpack it${limit}.\n${list}.`,
    )
  }
  return new VmImageError(
    'NOT_CACHED',
    `Cannot use "${name}": nobody fetched it under this name before the tests, and a test is no place to download it${limit}.\n` +
      (isKnownToCli ? `${list}, or run: ${fetchCommand(request, run.arch)}` : `${list}.`),
  )
}
