/**
 * What the head of an HTTP answer means: a redirect, a usable answer, or a fault. Pure.
 */
import { STATUS_CODES } from 'node:http'
import { parseRetryAfter } from './backoff.js'
import { HttpFault } from './fault.js'

export interface HttpHead {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const passingStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

export function isRedirect({ status }: HttpHead): boolean {
  return redirectStatuses.has(status)
}

/** The URL that a redirect leads to, or why it is not followed. From https to http it is not: there anyone may change it. */
export function redirectTarget(from: string, { headers }: HttpHead): string | HttpFault {
  const location = headers['location']
  if (location === undefined || !URL.canParse(location, from)) {
    return new HttpFault(`a redirect from ${from} without a usable Location`)
  }
  const target = new URL(location, from)
  const isDowngrade = from.startsWith('https:') && target.protocol === 'http:'
  if (!isDowngrade && /^https?:$/.test(target.protocol)) return target.href
  return new HttpFault(`a redirect from ${from} to ${target.href}, which is not as safe`, {
    code: isDowngrade ? 'INSECURE_REDIRECT' : 'NETWORK',
  })
}

/** Why an answer `from` some URL is of no use, or undefined when it is: the bytes as they are, whole or the range asked for. */
export function findFault(
  { status, headers }: HttpHead,
  from: string,
  isRange: boolean,
): HttpFault | undefined {
  if (status !== 200 && !(status === 206 && isRange)) {
    return new HttpFault(`HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim() + ` from ${from}`, {
      status,
      isPassing: passingStatuses.has(status),
      retryAfterMs: parseRetryAfter(headers['retry-after'], Date.now()),
    })
  }
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return undefined
  return new HttpFault(`content-encoding "${encoding}" from ${from}, which was not asked for`, { status })
}

/** One text per header, as they are handed out here. */
export function joinValues(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
