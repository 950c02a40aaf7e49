/**
 * HttpFault: what stood between a request and a usable answer. It is never thrown to callers: it is the `cause` of the
 * error, for those who decide whether to ask again, to wait, or to try another server.
 */
import { VmImageError, type VmImageErrorCode } from '../errors.js'

/** The codes of errors that a fault can end in: what there should have been, and what to do. */
const codes = {
  NETWORK: {
    wanted: 'an answer with status 200',
    cure: 'Check the address, the proxy settings and VMIMAGE_MIRROR, or try again when the server is back.',
  },
  ANSWER_TOO_LARGE: {
    wanted: 'a listing, a checksum file, a signature or a key',
    cure: 'Open the address in a browser: a server that answers with something else, or without end, may be in the way.',
  },
  INSECURE_REDIRECT: {
    wanted: 'https all the way',
    cure: 'Name a server that stays with https, or set VMIMAGE_MIRROR to one; and tell the publisher.',
  },
} as const satisfies Partial<Record<VmImageErrorCode, { readonly wanted: string; readonly cure: string }>>

type HttpFaultCode = keyof typeof codes

export interface HttpFaultDetails {
  /** Of the error that callers get. Default `NETWORK`. */
  readonly code?: HttpFaultCode | undefined
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
  readonly code: HttpFaultCode
  readonly status: number | undefined
  readonly isPassing: boolean
  readonly retryAfterMs: number | undefined

  /** `found` says what was found, as a part of a sentence: `HTTP 404 Not Found`. */
  constructor(
    found: string,
    { code = 'NETWORK', status, isPassing = false, retryAfterMs, cause }: HttpFaultDetails = {},
  ) {
    super(found, { cause })
    this.code = code
    this.status = status
    this.isPassing = isPassing
    this.retryAfterMs = retryAfterMs
  }
}

/** The fault behind an error of HTTP, or undefined for anything else that was thrown. */
export function httpFaultOf(error: unknown): HttpFault | undefined {
  return error instanceof VmImageError && error.cause instanceof HttpFault ? error.cause : undefined
}

/** A failed connection has no HttpFault of its own yet: whatever broke may well hold the next time. */
export function toHttpFault(error: unknown): HttpFault {
  return error instanceof HttpFault
    ? error
    : new HttpFault(describe(error), { isPassing: true, cause: error })
}

/** The error for `url`, which was `asked` under that or the mirror's name. */
export function faultError(url: string, asked: string, error: unknown): VmImageError {
  const cause = toHttpFault(error)
  const where = asked === url ? '' : ` (asked at ${asked})`
  const { wanted, cure } = codes[cause.code]
  return new VmImageError(
    cause.code,
    `Cannot fetch "${url}"${where}: ${cause.message}; expected ${wanted}.\n${cure}`,
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
