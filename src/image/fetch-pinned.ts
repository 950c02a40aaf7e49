/**
 * The cold path of a pinned image: its file is downloaded from where the pin says, and no listing, checksum file or
 * signature is asked for. Only when it is not there any more is its publisher asked where else it may be.
 */
import { basename } from 'node:path'
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { VmImageError, type VmImageErrorCode } from '../errors.js'
import { httpFaultOf } from '../http/fault.js'
import { titleOf } from '../image-facts.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { knownAddresses, locateImage } from '../resolve/locate.js'
import { resolveImage } from '../resolve/resolve.js'
import { keyCache } from '../store/keys.js'
import { cacheLayout } from '../store/layout.js'
import { ensureCache } from '../store/root.js'
import { type BaseImage, leaseResolved } from './base-image.js'
import { gone } from './fetch-base-image.js'
import { refuseOffline } from './find-source.js'
import { findLayered } from './layered-image.js'
import { type Pin, pinKey, pinnedDigest, pinnedFacts, resolutionOf } from './pins.js'
import { publishSource } from './publish-source.js'
import { pinCommand } from './request-text.js'
import type { Source } from './source.js'

/**
 * Downloads the image of a pin and publishes it.
 *
 * @throws VmImageError PIN_GONE when no server has it any more; DIGEST_MISMATCH when another file is in its place; NETWORK,
 *   OFFLINE, and every code that publishing has.
 */
export async function fetchPinned(
  request: ImageRequest,
  pin: Pin,
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage> {
  refuseOffline(request, context)
  ensureCache(cacheLayout(context.cacheDir, context.shared))
  const source = sourceOf(request, pin, context)
  try {
    return await publish(request, pin, source, leaseDir, context)
  } catch (error) {
    if (!isElsewhere(error)) throw error
    const tried = [firstLine(error)]
    const moved = await fetchMoved(request, pin, source, tried, leaseDir, context)
    if (moved) return moved
    throw await notToBeHad(request, pin, error, tried, context)
  }
}

function sourceOf(request: ImageRequest, pin: Pin, context: Context): Source {
  const { url, otherUrls = [], sizeBytes, compression = 'none', format } = pin
  const mirrors = request.kind === 'named' ? knownAddresses(url, request.provider) : []
  return {
    ...pinnedFacts(request, pin, context),
    urls: [...new Set([url, ...mirrors, ...otherUrls])],
    digest: pinnedDigest(request, pin),
    sizeBytes,
    compression,
    proof: undefined,
    signedAt: undefined,
    format: format ?? (request.kind === 'named' ? undefined : request.format),
  }
}

async function publish(
  request: ImageRequest,
  pin: Pin,
  source: Source,
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage> {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const known = resolutionOf(request, pin, context)
  let base: BaseImage | undefined
  const isDone = () => {
    base = leaseResolved(layout, leaseDir, known) ?? findLayered(known, leaseDir, context)
    return base !== undefined
  }
  await publishSource(layout, source, { isDone, onPublished: () => undefined, leaseDir, keepsWrongBytes: false }, context)
  if (!isDone() || base === undefined) throw gone(request, context)
  return base
}

/** The same file from another place of its publisher. What was found at each is added to `tried`. */
async function fetchMoved(
  request: ImageRequest,
  pin: Pin,
  source: Source,
  tried: string[],
  leaseDir: string | undefined,
  context: Context,
): Promise<BaseImage | undefined> {
  if (request.kind !== 'named') return undefined
  const { version, build, variant } = pin
  const wanted = { version, build, variant, digest: pinnedDigest(request, pin) }
  const asked = { ...request, arch: pin.arch ?? request.arch }
  const keys = keyCache(cacheLayout(context.cacheDir, context.shared))
  const known = new Set(source.urls)
  for await (const { image, found } of locateImage(asked, wanted, context, keys)) {
    const urls = image?.urls.filter((url) => !known.has(url)) ?? []
    tried.push(...found)
    const [url] = urls
    if (url === undefined) continue
    urls.forEach((one) => known.add(one))
    context.report({ type: 'warning', message: `${source.url} has left its place; ${url} is asked for it.` })
    try {
      return await publish(request, pin, { ...source, urls }, leaseDir, context)
    } catch (error) {
      if (!isElsewhere(error)) throw error
      tried.push(firstLine(error))
    }
  }
  return undefined
}

/** What another place may mend. */
function isElsewhere(error: unknown): error is VmImageError {
  const codes: readonly VmImageErrorCode[] = ['NETWORK', 'DIGEST_MISMATCH']
  return error instanceof VmImageError && codes.includes(error.code)
}

async function notToBeHad(
  request: ImageRequest,
  pin: Pin,
  cause: VmImageError,
  tried: readonly string[],
  context: Context,
): Promise<VmImageError> {
  const status = httpFaultOf(cause)?.status
  const isGone = status === 404 || status === 410
  if (cause.code === 'NETWORK' && !isGone) return cause
  const image = [titleOf(pin), pin.build && `build ${pin.build}`].filter(Boolean).join(' ')
  const file = basename(context.pinFile ?? '')
  const what = `${image}, which "${file}" pins for "${pinKey(request, context.arch)}" as ${formatDigest(pinnedDigest(request, pin))}`
  const update = pinCommand({ ...request, checksum: undefined }, context.arch, ['--update'])
  const list = `Tried:\n${tried.map((line) => `  ${line}`).join('\n')}`
  if (cause.code === 'DIGEST_MISMATCH') {
    return new VmImageError(
      'DIGEST_MISMATCH',
      `Cannot use ${what}: another file is in its place, and the pinned one is nowhere else.\n` +
        `Either a proxy or a mirror answers with something else, or the publisher has changed the file under its address: ` +
        `look at it before you take it, with: ${update}. ${list}`,
      { cause },
    )
  }
  return new VmImageError(
    'PIN_GONE',
    `Cannot fetch ${what}: no server has it any more. ${await replacement(request, context)}\n` +
      `Take what is there now, with: ${update}; or name the cache of a machine that has it in extraCacheDirs. ${list}`,
    { cause },
  )
}

/** What the request would mean today. */
async function replacement(request: ImageRequest, context: Context): Promise<string> {
  if (request.kind !== 'named') return 'Nothing says what replaced it.'
  const unpinned = { ...request, checksum: undefined }
  try {
    const keys = keyCache(cacheLayout(context.cacheDir, context.shared))
    const { name, version, build, url } = await resolveImage(
      unpinned,
      { ...context, report: () => undefined },
      keys,
    )
    return `"${describeRequest(request)}" is ${titleOf({ name, version })}${build ? ` build ${build}` : ''} now: ${url}.`
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    return `What replaced it is not known: ${firstLine(error)}`
  }
}

function firstLine({ message }: VmImageError): string {
  return message.split('\n', 1)[0] ?? ''
}
