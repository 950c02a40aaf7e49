/**
 * The images of a run, fetched before the first test: parallel workers on a cold cache would otherwise all start the
 * same download, inside the five seconds that a test has.
 */
import type { Context } from '../context.js'
import { VmImageError, type VmImageErrorCode } from '../errors.js'
import type { BaseImage } from '../image/base-image.js'
import { ensureBaseImage } from '../image/ensure-base-image.js'
import { type ImageInput, parseRequest, requestKey } from '../request/request.js'

/** Why an image could not be had, as plain JSON. */
export interface PrewarmError {
  readonly code: VmImageErrorCode
  readonly message: string
}

/** Downloads at the same time: enough to fill a line, few enough to be polite to publishers. */
const parallelFetches = 3

export class Prewarmed {
  /** By `requestKey()`. */
  readonly images = new Map<string, BaseImage>()
  readonly errors = new Map<string, PrewarmError>()
  readonly #fetches = new Map<string, Promise<BaseImage>>()
  readonly #leaseDir: string | undefined
  readonly #context: Context

  constructor(leaseDir: string | undefined, context: Context) {
    this.#leaseDir = leaseDir
    this.#context = context
  }

  /**
   * Fetches the images that were not asked for before. One that cannot be had goes to `errors`.
   *
   * @throws VmImageError INVALID_REQUEST for an input that is no request; with `strict`, the first failure.
   */
  async add(inputs: readonly ImageInput[], strict: boolean): Promise<void> {
    const requests = inputs.map((input) => parseRequest(input)).values()
    const fetchNext = async () => {
      // The iterator is shared: each of the parallel loops takes what no other has taken.
      for (const request of requests) {
        const key = requestKey(request, this.#context.arch)
        const fetch = this.#fetches.get(key) ?? ensureBaseImage(request, this.#leaseDir, this.#context)
        this.#fetches.set(key, fetch)
        await this.#settle(key, fetch, strict)
      }
    }
    try {
      await Promise.all(Array.from({ length: parallelFetches }, fetchNext))
    } finally {
      await this.#context.http.close()
    }
  }

  async #settle(key: string, fetch: Promise<BaseImage>, strict: boolean): Promise<void> {
    try {
      this.images.set(key, await fetch)
    } catch (error) {
      if (strict || !(error instanceof VmImageError)) throw error
      this.errors.set(key, { code: error.code, message: error.message })
    }
  }
}
