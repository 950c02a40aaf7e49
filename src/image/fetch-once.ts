/**
 * fetchOnce: of all processes that want what one request means, one asks the publisher and downloads; the others wait
 * and find it in the cache. They load nothing of the network, so that eight workers on a cold cache take little longer
 * than one, and a publisher is asked once.
 *
 * That is the cold half. Where the image is cached and only the answer is old, refresh-base-image.ts does the same under a
 * lock of its own: who has something that will do waits a bounded time, and must not wait for a whole download here.
 */
import type { Context } from '../context.js'
import { describeRequest, type ImageRequest, requestKey } from '../request/request.js'
import { allIngestedBytes } from '../store/ingest.js'
import { cacheLayout, hashName } from '../store/layout.js'
import { type LockWaiting, withLock } from '../store/lock.js'
import { ensureCache } from '../store/root.js'
import { isLockless } from './lockless.js'

/**
 * Fetches, unless another process does. When that one has failed, or died, all who waited try for themselves, at the same
 * time: one after the other they would wait for each other's timeouts.
 *
 * @param find what the cache has by now; asked again and again.
 */
export async function fetchOnce<T>(
  request: ImageRequest,
  find: () => T | undefined,
  fetch: () => Promise<T>,
  context: Context,
): Promise<T> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const name = describeRequest(request)
  let found: T | undefined
  let [hasWaited, hasBegun] = [false, false]
  const wait = {
    signal: context.signal,
    isDone: () => (found = find()) !== undefined,
    name,
    // Not those of the holder alone: it may wait itself for a process that downloads the same image for another request.
    receivedBytes: () => allIngestedBytes(layout),
    onWait: (state: LockWaiting) => {
      hasWaited = true
      context.report({ type: 'waiting', name, totalBytes: undefined, ...state })
    },
  }
  const fetchFirst = async () => {
    if (hasWaited) return
    hasBegun = true
    found = await fetch()
  }
  try {
    ensureCache(layout)
    await withLock(layout, `fetch-${hashName(requestKey(request, context.arch))}`, wait, fetchFirst)
  } catch (error) {
    if (hasBegun || !isLockless(error)) throw error
  }
  return found ?? fetch()
}
