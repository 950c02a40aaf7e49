/**
 * The images of a run, fetched before the first test: parallel workers on a cold cache would otherwise all start the
 * same download, inside the five seconds that a test has.
 */
import type { Context } from '../context.js'
import { isForWantOfNetwork, VmImageError, type VmImageErrorCode } from '../errors.js'
import type { BaseImage } from '../image/base-image.js'
import { ensureBaseImage } from '../image/ensure-base-image.js'
import {
  type ImageInput,
  type ImageRequest,
  parseRequest,
  requestKey,
  describeRequest,
} from '../request/request.js'
import { inputWords } from '../request/input-words.js'
import type { ListedRequest, PrewarmError } from './listed.js'

export interface PrewarmedImages {
  /** By `inputWords()`. */
  readonly listed: ReadonlyMap<string, ListedRequest>
  /** By `requestKey()`. */
  readonly images: ReadonlyMap<string, BaseImage>
  readonly errors: ReadonlyMap<string, PrewarmError>
  /**
   * Fetches the images that this does not have yet. One that cannot be had goes to `errors`.
   *
   * @throws VmImageError INVALID_REQUEST for an input that is no request; with `strict`, the first failure.
   */
  add(inputs: readonly ImageInput[], options: AddOptions): Promise<void>
  /** What could not be had is asked for again by the next `add()`. */
  forgetFailures(): void
}

export interface AddOptions {
  readonly strict: boolean
  /** They were found in tests: what no publisher has may be there to be refused, and is nobody's fault. */
  readonly areFound: boolean
}

/** What is wrong with a request whatever the network does. */
const askedInVain: ReadonlySet<VmImageErrorCode> = new Set([
  'NO_MATCH',
  'UNKNOWN_ARCH',
  'UNKNOWN_SYSTEM',
  'UNTRUSTED',
])

/** Downloads at the same time: enough to fill a line, few enough to be polite to publishers. */
const parallelFetches = 3

/** An empty set of images, leased for the run of `leaseDir` as they are added. */
export function prewarmedImages(leaseDir: string | undefined, context: Context): PrewarmedImages {
  const listed = new Map<string, ListedRequest>()
  const images = new Map<string, BaseImage>()
  const errors = new Map<string, PrewarmError>()
  const fetches = new Map<string, Promise<BaseImage>>()
  const failed = new Set<string>()
  let users = 0

  /** Connections that are kept open would keep the process from ending; the last who used them closes them. */
  async function withHttp<T>(use: () => Promise<T>): Promise<T> {
    users += 1
    try {
      return await use()
    } finally {
      users -= 1
      if (users === 0) await context.http.close()
    }
  }

  async function settle(request: ImageRequest, { strict, areFound }: AddOptions): Promise<void> {
    const key = requestKey(request, context.arch)
    // The same image may be asked for with another bar, which decides whether it is taken and not which it is.
    const wanted = `${request.minimumTrust} ${key}`
    const fetch = fetches.get(wanted) ?? withHttp(() => ensureBaseImage(request, leaseDir, context))
    fetches.set(wanted, fetch)
    try {
      images.set(key, await fetch)
    } catch (error) {
      failed.add(wanted)
      if (!(error instanceof VmImageError)) throw error
      const isOwnAffair = areFound && askedInVain.has(error.code)
      if (strict && !isOwnAffair) throw error
      errors.set(key, { code: error.code, message: error.message })
      if (isOwnAffair) return
      const end = context.onUnavailable === 'skip' && isForWantOfNetwork(error) ? 'be skipped' : 'fail'
      const reason = error.message.split('\n', 1)[0]
      context.report({
        type: 'warning',
        message: `${describeRequest(request)} is not to be had, and tests that ask for it will ${end}: ${reason}`,
      })
    }
  }

  function read(input: ImageInput): ImageRequest {
    const request = parseRequest(input)
    const { sizeBytes, minimumTrust } = request
    const words = inputWords(input)
    const key = requestKey(request, context.arch)
    if (words !== undefined)
      listed.set(words, { key, title: describeRequest(request), sizeBytes, minimumTrust })
    return request
  }

  async function add(inputs: readonly ImageInput[], options: AddOptions): Promise<void> {
    const requests = inputs.map((input) => read(input)).values()
    const settleNext = async () => {
      // The iterator is shared: each of the parallel loops takes what no other has taken.
      for (const request of requests) await settle(request, options)
    }
    await withHttp(() => Promise.all(Array.from({ length: parallelFetches }, settleNext)))
  }

  function forgetFailures(): void {
    for (const wanted of failed) fetches.delete(wanted)
    failed.clear()
    errors.clear()
  }

  return { listed, images, errors, add, forgetFailures }
}
