/**
 * Ranges: what may be asked of a server that is to go on where an earlier answer ended, and what its answer means.
 * Pure. RFC 9110: validators in section 8.8, If-Range in 13.1.5, Content-Range in 14.4.
 */
import type { HttpHead } from '../http/answer.js'
import type { PartState } from './part-state.js'

type Headers = HttpHead['headers']

/**
 * The headers that ask `url` for the bytes after the first `have`, or undefined when they must be asked for from 0.
 *
 * The host that sent the first bytes must promise, by a strong validator, that the rest is of the same file. Another
 * host has other validators: it is asked without, and only because a digest (`isJudged`) tells right from wrong.
 */
export function resumeHeaders(
  have: number,
  state: PartState | undefined,
  url: string,
  isJudged: boolean,
): Record<string, string> | undefined {
  if (have === 0) return {}
  if (!state) return undefined
  const range = `bytes=${have}-`
  if (hostOf(state.url) !== hostOf(url)) return isJudged ? { range } : undefined
  return state.validator === undefined ? undefined : { range, 'if-range': state.validator }
}

/**
 * What If-Range may hold the next time: a strong ETag; without any ETag a Last-Modified that is at least a second
 * older than the answer, because a file can change twice within one (section 8.8.2.2).
 */
export function validatorOf(headers: Headers): string | undefined {
  const { etag, date = '', 'last-modified': lastModified = '' } = headers
  if (etag !== undefined) return etag.startsWith('W/') ? undefined : etag
  return Date.parse(date) - Date.parse(lastModified) >= 1000 ? lastModified : undefined
}

export interface Placement {
  /** Where in the file the body begins. */
  readonly start: number
  /** Size of the whole file; undefined when the answer does not say. */
  readonly totalBytes: number | undefined
  /** True when a body that breaks off is told from one that is over. */
  readonly isFramed: boolean
}

/** Where the body of an answer belongs, or undefined when a 206 does not say so in a way that can be trusted. */
export function placementOf({ status, headers }: HttpHead): Placement | undefined {
  const length = headers['content-length']
  const isFramed = length !== undefined || headers['transfer-encoding'] !== undefined
  if (status !== 206)
    return { start: 0, totalBytes: length === undefined ? undefined : Number(length), isFramed }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
  if (!range) return undefined
  const [start, last, total] = range.slice(1).map(Number)
  if (start === undefined || last === undefined || total === undefined || last < start || total <= last)
    return undefined
  return { start, totalBytes: Number.isNaN(total) ? undefined : total, isFramed }
}

function hostOf(url: string): string {
  return new URL(url).host
}
