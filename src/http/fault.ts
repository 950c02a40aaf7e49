/**
 * HttpFault: what stood between a request and a usable answer. It is never thrown to callers: it is the `cause` of a
 * NETWORK error, for those who decide whether to ask again, to wait, or to try another server.
 */
import { VmImageError } from '../errors.js'

export interface HttpFaultDetails {
  /** The status that was answered; undefined when nothing was. */
  readonly status?: number | undefined
  /** True when the same request may well succeed a little later. Default false. */
  readonly isPassing?: boolean | undefined
  /** The least wait that the server asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

export class HttpFault extends Error {
  override readonly name = 'HttpFault'
  readonly status: number | undefined
  readonly isPassing: boolean
  readonly retryAfterMs: number | undefined

  /** `found` says what was found, as a part of a sentence: `HTTP 404 Not Found`. */
  constructor(found: string, { status, isPassing = false, retryAfterMs, cause }: HttpFaultDetails = {}) {
    super(found, { cause })
    this.status = status
    this.isPassing = isPassing
    this.retryAfterMs = retryAfterMs
  }
}

/** The fault behind a NETWORK error, or undefined for anything else that was thrown. */
export function httpFaultOf(error: unknown): HttpFault | undefined {
  return error instanceof VmImageError && error.cause instanceof HttpFault ? error.cause : undefined
}

/** A failed connection has no HttpFault of its own yet: whatever broke may well hold the next time. */
export function toHttpFault(error: unknown): HttpFault {
  return error instanceof HttpFault
    ? error
    : new HttpFault(describe(error), { isPassing: true, cause: error })
}

/** The NETWORK error for `url`, which was `asked` under that or the mirror's name. */
export function networkError(url: string, asked: string, error: unknown): VmImageError {
  const cause = toHttpFault(error)
  const where = asked === url ? '' : ` (asked at ${asked})`
  return new VmImageError(
    'NETWORK',
    `Cannot fetch "${url}"${where}: ${cause.message}; expected an answer with status 200.\n` +
      'Check the address, the proxy settings and VMIMAGE_MIRROR, or try again when the server is back.',
    { cause },
  )
}

export function offlineError(url: string): VmImageError {
  return new VmImageError(
    'OFFLINE',
    `Cannot fetch "${url}": the network is switched off (VMIMAGE_OFFLINE, or the option offline).\n` +
      'Run "npx vmimage fetch NAME" once with the network on; what is in the cache then works without it.',
  )
}

/** Node wraps the failures of all addresses of a host in one error, whose own message is empty. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describe))].join(', ')
  return error instanceof Error && error.message !== '' ? error.message : String(error)
}
