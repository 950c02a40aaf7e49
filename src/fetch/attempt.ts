/**
 * One attempt: one GET whose bytes go to the end of the part, and what its end means for the next one.
 */
import type { Context } from '../context.js'
import { type HttpFault, httpFaultOf, toHttpFault } from '../http/fault.js'
import type { HttpStream } from '../http/http.js'
import type { PartFile } from './part-file.js'
import { type Placement, placementOf, resumeHeaders, validatorOf } from './range.js'
import { startWatchdog, type WatchdogLimits } from './watchdog.js'

/** What an attempt asks for. */
export interface Wanted {
  readonly url: string
  /** The exact size, if it is known before the file is asked for. */
  readonly sizeBytes: number | undefined
  /** No file is larger. */
  readonly maxBytes: number
  /** True when a digest will tell whether the bytes are right. */
  readonly isJudged: boolean
  readonly limits: WatchdogLimits
  /** Called for every piece that arrived. */
  readonly onProgress: () => void
}

export interface AttemptEnd {
  /** Compare the digest; ask the same server again; ask it after the others; never ask it again. */
  readonly next: 'verify' | 'again' | 'later' | 'drop'
  /** What was found, in a few words: `HTTP 404 Not Found`. */
  readonly found: string
  readonly fault?: HttpFault | undefined
}

/**
 * Asks `wanted.url` for what the part lacks. It throws only what asking again cannot mend: an abort, no network
 * allowed, a disk that cannot be written.
 */
export async function attempt(part: PartFile, wanted: Wanted, context: Context): Promise<AttemptEnd> {
  const headers = resumeHeaders(part.receivedBytes, part.state, wanted.url, wanted.isJudged)
  if (!headers) await part.restart()
  let answer: HttpStream
  try {
    answer = await context.http.stream(wanted.url, { headers: headers ?? {}, signal: context.signal })
  } catch (error) {
    const fault = httpFaultOf(error)
    if (!fault) throw error
    if (fault.status === 416) await part.restart()
    return { next: nextAfter(fault), found: fault.message, fault }
  }
  const placement = await place(part, answer, wanted)
  if (placement) return await receive(part, answer, placement, wanted, context)
  answer.body.destroy()
  return { next: 'again', found: `an answer for another range, "${answer.headers['content-range']}"` }
}

/** A server that cannot be reached is asked after the others; one that answers is asked again if that can help. */
function nextAfter(fault: HttpFault): AttemptEnd['next'] {
  if (fault.status === 416) return 'again' // from byte 0 this time
  if (!fault.isPassing) return 'drop'
  return fault.status === undefined ? 'later' : 'again'
}

/** Makes the part end where the body begins; undefined (and an empty part) when they do not belong together. */
async function place(part: PartFile, answer: HttpStream, wanted: Wanted): Promise<Placement | undefined> {
  const placement = placementOf(answer)
  const totalBytes = wanted.sizeBytes ?? part.state?.totalBytes ?? placement?.totalBytes
  const isRest =
    placement?.start === part.receivedBytes && (placement.totalBytes ?? totalBytes) === totalBytes
  if (answer.status === 206 && isRest) return placement
  await part.restart()
  return answer.status === 206 ? undefined : placement
}

async function receive(
  part: PartFile,
  { url, status, headers, body }: HttpStream,
  { totalBytes, isFramed }: Placement,
  wanted: Wanted,
  context: Context,
): Promise<AttemptEnd> {
  const sizeBytes = wanted.sizeBytes ?? totalBytes
  if (sizeBytes === undefined && !isFramed && !wanted.isJudged) {
    body.destroy()
    return {
      next: 'drop',
      found: 'an answer that does not say how long it is, for a file without a checksum',
    }
  }
  await part.begin({ url, validator: validatorOf(headers), totalBytes: sizeBytes })
  try {
    await pump(part, body, wanted)
  } catch (error) {
    body.destroy()
    await part.flush()
    context.signal.throwIfAborted()
    const fault = toHttpFault(error)
    const found = `${fault.message}, after ${part.receivedBytes} of ${sizeBytes ?? 'an unknown number of'} bytes`
    return { next: fault === error ? 'later' : 'again', found, fault }
  }
  // An answer with a length of its own was received whole, right or wrong; others may just have broken off.
  const isShort = sizeBytes !== undefined && part.receivedBytes < sizeBytes
  return isShort && (status === 206 || !isFramed)
    ? { next: 'again', found: `the body ended after ${part.receivedBytes} of ${sizeBytes} bytes` }
    : { next: 'verify', found: 'all bytes' }
}

/** Moves the body into the part, up to one byte more than the file may have. */
async function pump(part: PartFile, body: HttpStream['body'], wanted: Wanted): Promise<void> {
  const stopAt = (wanted.sizeBytes ?? wanted.maxBytes) + 1
  const watchdog = startWatchdog(
    wanted.limits,
    () => part.writtenBytes,
    (fault) => body.destroy(fault),
  )
  try {
    for await (const chunk of body) {
      await part.append(chunk.subarray(0, stopAt - part.receivedBytes))
      wanted.onProgress()
      if (part.receivedBytes === stopAt) break
    }
    await part.flush()
  } finally {
    watchdog.stop()
  }
}
