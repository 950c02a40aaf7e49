/**
 * Pins: which exact file each request means, written down once and committed, so that everybody who has the same commit
 * runs on the same bits. A pin says all that is needed to fetch its image without asking a listing, and its digest is the
 * only judge of what arrives.
 */
import { type Arch, findArch } from '../arch.js'
import type { Compression } from '../compression.js'
import { type Digest, digestKey, formatDigest, isWeak, parseDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { ImageFacts } from '../image-facts.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import type { Resolution } from '../store/resolutions.js'
import type { Trust } from '../trust.js'
import { isFixed } from './fixed.js'
import type { PinnedRequest } from './pinned-request.js'
import { pinCommand } from './request-text.js'

/** One stanza of the file. Plain JSON: it travels to the workers as it is. */
export interface Pin {
  /** What was asked for, so that it can be resolved again. */
  readonly request: PinnedRequest
  readonly name: string
  readonly version: string
  readonly build?: string | undefined
  /** Undefined for a URL: it is one image, and what it is for is known only by whoever asks for it. */
  readonly arch?: Arch | undefined
  readonly variant?: string | undefined
  /** Name of the unpacked file. */
  readonly fileName: string
  /** The publisher's own. */
  readonly url: string
  /** Where else the publisher had it, besides the mirrors that its provider knows. */
  readonly otherUrls?: readonly string[] | undefined
  /** `<algorithm>:<hex>` of the file as it is served; never a weak one. */
  readonly digest: string
  readonly sizeBytes?: number | undefined
  /** Default: it is not packed. */
  readonly compression?: Exclude<Compression, 'none'> | undefined
  /** What the image is declared to be. Default: whatever its bytes say. */
  readonly format?: 'qcow2' | 'raw' | undefined
  /** On what ground it was believed when it was pinned. */
  readonly trust: Trust
  /** Fingerprint of the key that had signed it then. */
  readonly signedBy?: string | undefined
  /** ISO 8601. */
  readonly resolvedAt: string
}

/** By `pinKey()`. */
export type Pins = Readonly<Record<string, Pin>>

/** The pins that hold for a run or a command. Plain JSON. */
export interface Pinning {
  /** Undefined: there is no pin file. */
  readonly file: string | undefined
  /** True: what needs a pin and has none is an error. */
  readonly isFrozen: boolean
  readonly pins: Pins
}

type Arches = { readonly arch: Arch }

/**
 * The name of a request in the pin file: `fedora:41 x86_64`. Unlike `requestKey()` it stays the same when the facts of a
 * provider change, and says nothing of wishes that choose no image: size, trust, checksum.
 */
export function pinKey(request: ImageRequest, defaultArch: Arch): string {
  // The same address on every machine, whatever its architecture is.
  if (request.kind !== 'named') return [describeRequest(request), request.format].filter(Boolean).join(' ')
  return describeRequest({ ...request, arch: request.arch ?? defaultArch })
}

/**
 * The pin that a request has; undefined where none is needed, or wanted.
 *
 * @throws VmImageError NOT_PINNED when it needs one and has none; CHECKSUM_CONFLICT when it says itself what the file is,
 *   and that is another one.
 */
export function findPin(request: ImageRequest, pinning: Pinning, { arch }: Arches): Pin | undefined {
  if (request.kind === 'file') return undefined
  const key = pinKey(request, arch)
  const pin = Object.hasOwn(pinning.pins, key) ? pinning.pins[key] : undefined
  if (pin !== undefined) refuseConflict(key, request, pin, pinning, arch)
  else if (pinning.isFrozen && !isFixed(request)) throw notPinned(key, request, pinning, arch)
  return pin
}

/** The pin as if the request had just been resolved to it. */
export function resolutionOf(request: ImageRequest, pin: Pin, context: Arches): Resolution {
  const digest = pinnedDigest(request, pin)
  return {
    ...pinnedFacts(request, pin, context),
    request: pinKey(request, context.arch),
    key: digestKey(digest),
    digest: formatDigest(digest),
    resolvedAt: Date.parse(pin.resolvedAt),
  }
}

/**
 * The digest that the file has to have: the request's own, where it has a strong one. It may be by another algorithm, and
 * stands closer to the test.
 */
export function pinnedDigest({ checksum }: ImageRequest, pin: Pin): Digest {
  return checksum !== undefined && !isWeak(checksum.algorithm) ? checksum : parseDigest(pin.digest)
}

/** Whoever commits a digest vouches for the image, and does so more than anybody who has signed it. */
export function pinnedFacts(request: ImageRequest, pin: Pin, context: Arches): ImageFacts {
  const { name, version, build, variant, fileName, url, signedBy } = pin
  const arch = pin.arch ?? request.arch ?? context.arch
  return { name, version, build, arch, variant, fileName, url, trust: 'pinned', signedBy }
}

/** Whether two pins differ in anything but the time at which they were made. */
export function isSamePin(a: Pin, b: Pin): boolean {
  const [ours, theirs] = [a, b].map((pin) => JSON.stringify(inOrder({ ...pin, resolvedAt: '' })))
  return ours === theirs
}

const order = [
  'request',
  'name',
  'version',
  'build',
  'arch',
  'variant',
  'fileName',
  'url',
  'otherUrls',
  'digest',
  'sizeBytes',
  'compression',
  'format',
  'trust',
  'signedBy',
  'resolvedAt',
] as const satisfies readonly (keyof Pin)[]

/** Its fields as the file has them: always in one order, and none that is not there. */
export function inOrder(pin: Pin): Record<string, unknown> {
  const fields = order.map((field) => [field, pin[field]] as const)
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined))
}

/** The architecture that the key of a pin names at its end; undefined for a URL. */
export function archOfKey(key: string): Arch | undefined {
  return findArch(key.split(' ').at(-1) ?? '')
}

function refuseConflict(key: string, request: ImageRequest, pin: Pin, { file }: Pinning, arch: Arch): void {
  const { checksum } = request
  const pinned = parseDigest(pin.digest)
  if (checksum?.algorithm !== pinned.algorithm || checksum.hex === pinned.hex) return
  throw new VmImageError(
    'CHECKSUM_CONFLICT',
    `Cannot trust "${key}": the request says ${formatDigest(checksum)}, and "${file}" pins ${pin.digest}.\n` +
      `Correct the checksum of the request; or, when it is right, run: ${pinCommand(request, arch, ['--update'])}`,
  )
}

function notPinned(key: string, request: ImageRequest, { file, pins }: Pinning, arch: Arch): VmImageError {
  const others = Object.keys(pins).filter((other) => sameImage(other) === sameImage(key))
  const found =
    file === undefined
      ? 'there is no pin file'
      : `it is not in "${file}"${others.length === 0 ? '' : ` (which has ${others.join(', ')})`}`
  return new VmImageError(
    'NOT_PINNED',
    `Cannot use "${key}": only pinned images are used (frozen), and ${found}.\n` +
      `Run: ${pinCommand(request, arch)}, and commit the file; or do without: --no-frozen, VMIMAGE_FROZEN=0.`,
  )
}

/** Without the architecture, which is what most often differs between the machine that pinned and this one. */
function sameImage(key: string): string {
  return archOfKey(key) === undefined ? key : key.slice(0, key.lastIndexOf(' '))
}
