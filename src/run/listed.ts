/**
 * What the run was told that tests would ask for, found again by the very words. This is the path of nearly every test:
 * it reads no request, and so needs neither the providers nor the code that knows them.
 */
import { VmImageError, type VmImageErrorCode } from '../errors.js'
import type { BaseImage } from '../image/base-image.js'
import { inputWords } from '../request/input-words.js'
import type { ImageInput } from '../request/request.js'
import { isUnchanged } from '../store/stamp.js'
import { isTrusted, requireTrust, type Trust } from '../trust.js'
import type { RunInfo } from './run.js'

/** A request as the main process has read it. */
export interface ListedRequest {
  /** By which the run has its image, or what kept it away. */
  readonly key: string
  /** As people know it: `fedora:41 x86_64`. */
  readonly title: string
  readonly sizeBytes: number | undefined
  readonly minimumTrust: Trust | undefined
}

/** Why an image could not be had, as plain JSON. */
export interface PrewarmError {
  readonly code: VmImageErrorCode
  readonly message: string
}

/** A base image, and how large its request wants the disk. */
export interface Prepared {
  readonly base: BaseImage
  readonly sizeBytes: number | undefined
}

/**
 * The image that was prepared for these words. Undefined where they have to be read: nobody listed them, or the file
 * they name was changed since.
 *
 * @throws VmImageError UNTRUSTED, or with the code of what kept the image away before the tests began.
 */
export function findListed(input: ImageInput, run: RunInfo): Prepared | undefined {
  const listed = run.listed[inputWords(input) ?? '']
  if (listed === undefined) return undefined
  const { key, title, sizeBytes, minimumTrust } = listed
  const base = run.images[key]
  if (base === undefined) {
    const failure = run.errors[key]
    if (failure) throw prewarmingFailed(title, failure)
    return undefined
  }
  if (base.url.startsWith('file:') && !isUnchanged(base.path, base.stamp)) return undefined
  if (!isTrusted(listed, base, run)) requireTrust(title, base.trust, minimumTrust ?? run.minimumTrust)
  return { base, sizeBytes }
}

export function prewarmingFailed(title: string, { code, message }: PrewarmError): VmImageError {
  return new VmImageError(code, `pre-warming ${title} failed: ${message}`)
}
