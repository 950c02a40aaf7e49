/**
 * Backoff: how long to wait before a server is asked again, and the wait itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface BackoffLimits {
  /** The wait after the first failure; it doubles with each further one. */
  readonly retryMs: number
  /** No wait is longer, also when the server asks for more in Retry-After. */
  readonly retryMaxMs: number
}

/**
 * Milliseconds to wait after `failures` failures in a row (1 for the first). What the server asked for is a lower
 * bound; up to half is added or taken at random, so that the workers of one test run do not come back in step.
 */
export function backoffMs(
  failures: number,
  askedMs: number | undefined,
  limits: BackoffLimits,
  random: () => number = Math.random,
): number {
  const own = limits.retryMs * 2 ** (failures - 1) * (0.5 + random())
  return Math.min(Math.max(own, askedMs ?? 0), limits.retryMaxMs)
}

/** Waits; an abort ends the wait at once with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/**
 * Milliseconds that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, section 10.2.3). Undefined
 * when there is none or it means nothing.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0)
}
