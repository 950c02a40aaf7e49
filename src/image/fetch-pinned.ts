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
import { type ResolvedImage, resolveImage } from '../resolve/resolve.js'
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
import { roomOf } from './room.js'
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
  const name = `${describeRequest({ ...request, arch: undefined })} (pinned)`
  context.report({ type: 'resolved', name, url: pin.url, digest: formatDigest(pinnedDigest(request, pin)) })
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
  await publishSource(
    layout,
    source,
    { isDone, onPublished: () => undefined, leaseDir, keepsWrongBytes: false, ...roomOf(context) },
    context,
  )
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
  const known = new Set(source.urls)
  for await (const place of placesOf(request, pin, tried, context)) {
    const urls = place.filter((url) => !known.has(url))
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

/** Where else the publisher may have the file. What was found on the way is added to `tried`. */
async function* placesOf(
  request: ImageRequest,
  pin: Pin,
  tried: string[],
  context: Context,
): AsyncGenerator<readonly string[]> {
  if (request.kind !== 'named') return
  const { version, build, variant, url } = pin
  const wanted = { version, build, variant, url, digest: pinnedDigest(request, pin) }
  const asked = { ...request, arch: pin.arch ?? request.arch }
  const keys = keyCache(cacheLayout(context.cacheDir, context.shared))
  for await (const { urls, found } of locateImage(asked, wanted, context, keys)) {
    tried.push(...found)
    yield urls
  }
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
  const digest = formatDigest(pinnedDigest(request, pin))
  const file = basename(context.pinFile ?? '')
  const what = `${buildText(pin)}, which "${file}" pins for "${pinKey(request, context.arch)}" as ${digest}`
  const update = pinCommand({ ...request, checksum: undefined }, context.arch, ['--update'])
  const list = `Tried:\n${[...new Set(tried)].map((line) => `  ${line}`).join('\n')}`
  if (cause.code === 'DIGEST_MISMATCH') {
    return new VmImageError(
      'DIGEST_MISMATCH',
      `Cannot use ${what}: another file is in its place, and the pinned one is nowhere else.\n` +
        `Either a proxy or a mirror answers with something else, or the publisher has changed the file under its address: ` +
        `look at it before you take it, with: ${update}. ${list}`,
      { cause },
    )
  }
  const now = await resolveNow(request, context)
  // Listed and not served, or nobody who could say: it may come back, which is nothing that another pin could mend.
  const isListed = !(now instanceof VmImageError) && now?.digest && formatDigest(now.digest) === digest
  if (isListed || (now instanceof VmImageError && now.code === 'NETWORK')) return cause
  return new VmImageError(
    'PIN_GONE',
    `Cannot fetch ${what}: no server has it any more. ` +
      `${replacementText(request, now)}\n` +
      `Take what is there now, with: ${update}; or name the cache of a machine that has it in extraCacheDirs. ${list}`,
    { cause },
  )
}

/** What the request would mean today, or why that is not known; undefined for a URL, which means one file. */
async function resolveNow(
  request: ImageRequest,
  context: Context,
): Promise<ResolvedImage | VmImageError | undefined> {
  if (request.kind !== 'named') return undefined
  const keys = keyCache(cacheLayout(context.cacheDir, context.shared))
  const quiet = { ...context, report: () => undefined }
  try {
    return await resolveImage({ ...request, checksum: undefined }, quiet, keys)
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    return error
  }
}

function replacementText(request: ImageRequest, now: ResolvedImage | VmImageError | undefined): string {
  if (now === undefined) return 'What replaced it, only its publisher can say.'
  if (now instanceof VmImageError) return `Nothing replaced it: ${firstLine(now)}`
  return `"${describeRequest(request)}" is ${buildText(now)} now: ${now.url}.`
}

function buildText({ name, version, build }: Pick<Pin, 'name' | 'version' | 'build'>): string {
  return [titleOf({ name, version }), build && `build ${build}`].filter(Boolean).join(' ')
}

function firstLine({ message }: VmImageError): string {
  return message.split('\n', 1)[0] ?? ''
}
