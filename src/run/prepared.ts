/** The base image that was prepared for a request before the tests began, or why there is none. */
import { VmImageError } from '../errors.js'
import { type BaseImage, leaseResolved } from '../image/base-image.js'
import { describeRequest, type ImageRequest, requestKey } from '../request/request.js'
import { cacheLayout } from '../store/layout.js'
import { findResolution } from '../store/resolutions.js'
import type { RunInfo } from './run.js'

/**
 * Finds the image among those of the run, else in the cache: a name that the list forgot is served when that takes
 * no network.
 *
 * @param timeoutMs how long the test may take, for the message.
 * @throws VmImageError NOT_CACHED, or with the code of what kept the image away before the tests began.
 */
export function findPrepared(request: ImageRequest, run: RunInfo, timeoutMs: number | undefined): BaseImage {
  const key = requestKey(request, run.arch)
  const failure = run.errors[key]
  if (failure) {
    throw new VmImageError(failure.code, `pre-warming ${describeRequest(request)} failed: ${failure.message}`)
  }
  const base = run.images[key] ?? findCached(key, run)
  if (base === undefined) throw notCached(request, timeoutMs)
  return base
}

function findCached(key: string, run: RunInfo): BaseImage | undefined {
  const layout = cacheLayout(run.cacheDir)
  const resolution = findResolution(layout, key)
  return resolution && leaseResolved(layout, run.leaseDir, resolution)
}

function notCached(request: ImageRequest, timeoutMs: number | undefined): VmImageError {
  const name = describeRequest(request)
  const limit = timeoutMs === undefined ? '' : ` (this test's timeout is ${timeoutMs} ms)`
  return new VmImageError(
    'NOT_CACHED',
    `Cannot use "${name}": it is not in the image cache, and a test is no place to download it${limit}.\n` +
      `Add '${name}' to vmImages({ images }), or run: npx vmimage fetch ${name}`,
  )
}
