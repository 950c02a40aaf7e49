/** A limit on how long something may take where another answer will do. */
import { clearTimeout, setTimeout } from 'node:timers'
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { describeRequest, type ImageRequest } from '../request/request.js'

/**
 * Runs `action` with a context whose signal ends it after `ms`; undefined: no limit.
 *
 * @throws VmImageError `late` when it took longer, whatever else it would have thrown then.
 */
export async function within<T>(
  ms: number | undefined,
  late: VmImageError,
  context: Context,
  action: (context: Context) => Promise<T>,
): Promise<T> {
  if (ms === undefined) return action(context)
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(late), ms)
  const signal = AbortSignal.any([context.signal, deadline.signal])
  try {
    return await action({ ...context, signal })
  } catch (error) {
    // Servers that are not asked any more look like servers that do not answer.
    signal.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** What a publisher that takes too long leads to. */
export function tooLate(request: ImageRequest, budgetMs: number): VmImageError {
  return new VmImageError(
    'NETWORK',
    `Cannot resolve "${describeRequest(request)}" anew: no complete answer of its publisher within ${budgetMs / 1000} s.\n` +
      'Run "npx vmimage fetch" when its server is faster again.',
  )
}
