/**
 * Watchdog: notices that a download has stopped or only trickles, by the bytes that reached the disk. undici's own
 * timer does not run while a body is held back (undici issue 5393), and no timer of its own sees a trickle.
 */
import { clearInterval, setInterval } from 'node:timers'
import { HttpFault } from '../http/fault.js'

export interface WatchdogLimits {
  /** For how long nothing may arrive. */
  readonly stallMs: number
  /** A download slower than this during `slowWindowMs` is given up. */
  readonly slowBytesPerSecond: number
  readonly slowWindowMs: number
}

/** Calls `onAlarm` once, when `readBytes` (a number that grows) breaks a limit. Stop it when the bytes end. */
export function startWatchdog(
  limits: WatchdogLimits,
  readBytes: () => number,
  onAlarm: (fault: HttpFault) => void,
): { stop(): void } {
  const start = { bytes: readBytes(), at: performance.now() }
  let moved = start
  let opened = start

  function look(): void {
    const now = { bytes: readBytes(), at: performance.now() }
    if (now.bytes !== moved.bytes) moved = now
    const isWindowOver = now.at - opened.at >= limits.slowWindowMs
    const bytesPerSecond = ((now.bytes - opened.bytes) * 1000) / (now.at - opened.at)
    if (now.at - moved.at >= limits.stallMs) alarm(`no byte arrived for ${limits.stallMs} ms`)
    else if (isWindowOver && bytesPerSecond < limits.slowBytesPerSecond)
      alarm(`only ${Math.round(bytesPerSecond)} bytes arrived per second`)
    else if (isWindowOver) opened = now
  }

  function alarm(found: string): void {
    clearInterval(timer)
    onAlarm(new HttpFault(found, { isPassing: true }))
  }

  const timer = setInterval(look, Math.min(limits.stallMs, limits.slowWindowMs, 10_000) / 10)
  return { stop: () => clearInterval(timer) }
}
