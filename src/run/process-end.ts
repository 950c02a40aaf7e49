/**
 * What has to happen when a process ends, however it ends (kill -9 apart). Only runners' main processes use this: the
 * frameworks run none of their own hooks on a signal.
 */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Calls `wipe`, which must be synchronous and idempotent, when this process exits or is told to. The exit code stays
 * what it would be without us: after ours the other listeners run, and where there are none the signal is sent again.
 *
 * Ours are put first, because Vitest 3 leaves by `process.exit()` inside its own listener, and what comes after
 * that is skipped.
 *
 * @returns a function that takes all of this back.
 */
export function onProcessEnd(wipe: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    wipe()
    for (const name of signals) process.off(name, onSignal)
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  process.prependListener('exit', wipe)
  for (const signal of signals) process.prependListener(signal, onSignal)
  return () => {
    process.off('exit', wipe)
    for (const signal of signals) process.off(signal, onSignal)
  }
}
