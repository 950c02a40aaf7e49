/**
 * refreshBaseImage: a name whose image is cached is asked for again because the last answer is old. The image that is
 * there will do, so nobody waits long for a publisher, and of several processes one asks for all.
 *
 * That is the half of an image that is cached. Where there is none, fetch-once.ts has everybody wait for the whole download;
 * here the lock, which is another one, is given back when a download begins. Where the two meet
 * (an image that is collected just now), a publisher is asked twice, and the lock of the image has it downloaded once.
 */
import { once } from 'node:events'
import type { Context } from '../context.js'
import { type ImageRequest, requestKey } from '../request/request.js'
import { cacheLayout, hashName } from '../store/layout.js'
import { withLock } from '../store/lock.js'
import { ensureCache } from '../store/root.js'
import type { BaseImage } from './base-image.js'
import { fetchBaseImage } from './fetch-base-image.js'
import { isLockless } from './lockless.js'
import { tooLate, within } from './within.js'

export interface Refreshing {
  /** The image, if somebody else has asked meanwhile. */
  readonly findFresh: () => BaseImage | undefined
  /** For how long the publisher may be asked, and before that another process that asks it be waited for. */
  readonly budgetMs: number
}

/** A server that gives no byte of a new image is left sooner than when there is nothing else. */
const attempts = 2

/**
 * Resolves the request anew, and fetches the image when it is another one.
 *
 * @throws VmImageError NETWORK when that takes too long, and what `fetchBaseImage()` throws.
 */
export async function refreshBaseImage(
  request: ImageRequest,
  leaseDir: string | undefined,
  { findFresh, budgetMs }: Refreshing,
  context: Context,
): Promise<BaseImage> {
  const fetching = (onDownload: () => void) =>
    fetchBaseImage(request, leaseDir, context, { budgetMs, attempts, onDownload })
  const asked = requestKey(request, context.arch)
  const work = await within(budgetMs, tooLate(request, budgetMs), context, (bounded) =>
    startOnce(asked, fetching, findFresh, bounded),
  )
  return (await work?.result) ?? findFresh() ?? fetching(() => undefined)
}

interface Work {
  /** In a record: a promise of a promise would be waited for. */
  readonly result: Promise<BaseImage>
}

/**
 * Starts the work under a lock of the request, and gives that back when it ends or a download begins, which has a lock of
 * its own. Undefined when somebody else has asked meanwhile. Where no lock is to be had (a cache that is full, or
 * cannot be written) everybody asks.
 */
async function startOnce(
  asked: string,
  fetching: (onDownload: () => void) => Promise<BaseImage>,
  findFresh: () => BaseImage | undefined,
  { cacheDir, shared, signal }: Context,
): Promise<Work | undefined> {
  const layout = cacheLayout(cacheDir, shared)
  const wait = { isDone: () => findFresh() !== undefined, onWait: () => undefined, signal }
  let work: Work | undefined
  const action = async () => {
    const download = new AbortController()
    const result = fetching(() => download.abort())
    work = { result }
    // Whether it fails is for who awaits the result.
    await Promise.race([once(download.signal, 'abort'), result.catch(() => undefined)])
  }
  try {
    ensureCache(layout)
    await withLock(layout, `ask-${hashName(asked)}`, wait, action)
  } catch (error) {
    if (!isLockless(error)) throw error
  }
  return work
}
