/**
 * download: URL -> a verified file under a private name. One loop serves what else would be three: retries of a broken
 * connection, the change to another mirror, and going on where an earlier process stopped. The digest is the only
 * judge of the bytes, whoever sent them and in however many pieces.
 */
import { type BackoffLimits, backoffMs, pause } from '../http/backoff.js'
import type { Context } from '../context.js'
import { type Digest, formatDigest, sameDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { attempt, type AttemptEnd, type Wanted } from './attempt.js'
import { kindOfFile } from './kind-of.js'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { paced } from './paced.js'
import { openPartFile, type PartFile } from './part-file.js'
import type { WatchdogLimits } from './watchdog.js'

export interface DownloadRequest {
  /** The image's name, for reports and errors. */
  readonly name: string
  /** Where the same file is to be had; they are asked in this order. At least one. */
  readonly urls: readonly string[]
  /** An existing directory that nobody else writes to: `part` and `state.json`, from this or an earlier owner. */
  readonly directory: string
  /** Of the file as it is served. Undefined: the bytes are taken as they come, and the SHA-256 found is returned. */
  readonly digest: Digest | undefined
  /** The exact size as it is served; undefined when the publisher does not say. */
  readonly sizeBytes: number | undefined
}

export interface Downloaded {
  /** `part` in the request's directory. */
  readonly path: string
  readonly sizeBytes: number
  /** Where the last bytes came from, after redirects, on the publisher's side. */
  readonly url: string
  /** Of every byte of the file. */
  readonly digest: Digest
}

export interface DownloadLimits extends WatchdogLimits, BackoffLimits {
  /** Failures of one server in a row, each without progress, before it is given up. Default 5. */
  readonly attempts: number
  /** So many new bytes are progress, and the count of failures starts over. Default 262 144. */
  readonly progressBytes: number
  /** The largest file when its size is not known before. Default 64 GiB. */
  readonly maxBytes: number
}

const defaultLimits: DownloadLimits = {
  stallMs: 30_000,
  slowBytesPerSecond: 4096,
  slowWindowMs: 60_000,
  retryMs: 500,
  retryMaxMs: 60_000,
  attempts: 5,
  progressBytes: 2 ** 18,
  maxBytes: 2 ** 36,
}
/** Bytes that a second server sends wrong as well are wrong at the publisher, or the digest is. */
const maxWrongFiles = 2

/** One of the URLs and how it went so far. */
interface Source {
  readonly url: string
  failures: number
  /** True once it was asked from byte 0 because a file put together from pieces was wrong. */
  isAskedWhole: boolean
  end: AttemptEnd | undefined
}

/**
 * Downloads one file. What arrived before an error stays in the directory, and the next call goes on from there; after
 * a DIGEST_MISMATCH that is the last wrong file, for a caller who knows another digest that it may have.
 *
 * @throws VmImageError NETWORK when no server gave the whole file, DIGEST_MISMATCH when it is not the one asked for,
 * NO_SPACE, OFFLINE.
 */
export async function download(
  request: DownloadRequest,
  context: Context,
  limits: Partial<DownloadLimits> = {},
): Promise<Downloaded> {
  if (request.urls.length === 0) throw new TypeError('download() needs at least one URL.')
  const all = { ...defaultLimits, ...limits }
  await using part = await openPartFile(
    request.directory,
    request.digest?.algorithm ?? 'sha256',
    context.signal,
  )
  try {
    return await fetchWhole(part, request, all, context)
  } catch (error) {
    if (!isDiskFull(error)) throw error
    const needed = request.sizeBytes ?? part.state?.totalBytes
    throw diskFullError(part.path, needed && needed - part.writtenBytes, error)
  }
}

async function fetchWhole(
  part: PartFile,
  request: DownloadRequest,
  limits: DownloadLimits,
  context: Context,
): Promise<Downloaded> {
  const sources = request.urls.map((url): Source => ({
    url,
    failures: 0,
    isAskedWhole: false,
    end: undefined,
  }))
  const waiting = [...sources]
  const wrong: string[] = []
  if (request.digest && part.state && isRight(part, request)) return downloaded(part, part.state.url)

  for (let source = waiting[0]; source; source = waiting[0]) {
    if (source.failures > 0) {
      await pause(backoffMs(source.failures, source.end?.fault?.retryAfterMs, limits), context.signal)
    }
    const furthestBytes = part.furthestBytes
    const tell = teller(source.url, part, request, context)
    tell()
    source.end = await attempt(part, wantedFrom(source.url, request, limits, paced(tell)), context)
    tell()
    if (source.end.next === 'verify') {
      if (isRight(part, request)) return downloaded(part, part.state?.url ?? source.url)
      if (part.isPatched && !source.isAskedWhole) {
        source.isAskedWhole = true
      } else {
        wrong.push(`${source.url} sent ${await describeWrong(part, request)}`)
        giveUp(waiting, 'the bytes are wrong', context)
        // The last ones stay: they may be what the publisher has under another digest by now.
        if (waiting.length === 0 || wrong.length === maxWrongFiles) break
      }
      await part.restart()
      continue
    }
    source.failures = part.furthestBytes - furthestBytes < limits.progressBytes ? source.failures + 1 : 1
    if (source.end.next === 'drop' || source.failures >= limits.attempts) {
      giveUp(waiting, source.end.found, context)
    } else if (source.end.next === 'later') {
      waiting.push(...waiting.splice(0, 1))
    }
  }
  throw wrong.length > 0 ? mismatchError(request, wrong) : networkError(request, sources, part)
}

function wantedFrom(
  url: string,
  { sizeBytes, digest }: DownloadRequest,
  limits: DownloadLimits,
  onProgress: () => void,
): Wanted {
  return { url, sizeBytes, maxBytes: limits.maxBytes, isJudged: digest !== undefined, limits, onProgress }
}

function teller(url: string, part: PartFile, { name, sizeBytes }: DownloadRequest, { report }: Context) {
  return () => {
    const totalBytes = sizeBytes ?? part.state?.totalBytes
    report({ type: 'downloading', name, url, receivedBytes: part.writtenBytes, totalBytes })
  }
}

/** Takes the first source off the list, and says so when the work goes on with another. */
function giveUp(waiting: Source[], why: string, { report }: Context): void {
  const source = waiting.shift()
  const next = waiting[0]
  if (source && next) {
    report({ type: 'warning', message: `Gave up ${source.url} (${why}); going on with ${next.url}.` })
  }
}

function isRight(part: PartFile, { sizeBytes, digest }: DownloadRequest): boolean {
  const isSize = sizeBytes === undefined || part.receivedBytes === sizeBytes
  return isSize && (digest === undefined || sameDigest(part.digest(), digest))
}

function downloaded(part: PartFile, url: string): Downloaded {
  return { path: part.path, sizeBytes: part.receivedBytes, url, digest: part.digest() }
}

async function describeWrong(part: PartFile, { sizeBytes = Infinity }: DownloadRequest): Promise<string> {
  const size = part.receivedBytes > sizeBytes ? `more than ${sizeBytes}` : String(part.receivedBytes)
  return `${formatDigest(part.digest())} (${await kindOfFile(part.path)}, ${size} bytes)`
}

function mismatchError({ name, digest, sizeBytes }: DownloadRequest, wrong: readonly string[]): VmImageError {
  const wanted = [digest && formatDigest(digest), sizeBytes !== undefined && `${sizeBytes} bytes`]
  return new VmImageError(
    'DIGEST_MISMATCH',
    `Cannot use the download of "${name}": ${wrong.join('; ')}; expected ${wanted.filter(Boolean).join(', ')}.\n` +
      'Nothing was kept. Look whether a proxy or a login page answered; if not, the publisher is changing the file: ' +
      'try again later, or ask for another build.',
  )
}

function networkError(
  { name, sizeBytes }: DownloadRequest,
  sources: readonly Source[],
  part: PartFile,
): VmImageError {
  const tried = sources.map(({ url, end }) => `${url} (${end?.found ?? 'not asked'})`).join(', ')
  const total = sizeBytes ?? part.state?.totalBytes ?? 'an unknown number of'
  const faults = sources.flatMap(({ end }) => end?.fault ?? [])
  return new VmImageError(
    'NETWORK',
    `Cannot download "${name}": ${part.receivedBytes} of ${total} bytes arrived; tried ${tried}.\n` +
      'Run it again when the server is back: it goes on from what has arrived.',
    // That it is gone says more than that a mirror does not answer.
    { cause: faults.find(({ status }) => status === 404 || status === 410) ?? faults.at(-1) },
  )
}
