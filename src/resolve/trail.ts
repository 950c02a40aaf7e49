/** Trail: every address that was asked on the way to an image and what was found there, for the error at its end. */
import type { Context } from '../context.js'
import { VmImageError, type VmImageErrorCode } from '../errors.js'
import { httpFaultOf } from '../http/fault.js'

export interface Step {
  readonly url: string
  readonly found: string
}

interface Noted {
  readonly context: Pick<Context, 'report'>
  readonly trail: Trail
}

/** Writes down what was found at an address, for the error at the end and for whoever wants each step explained. */
export function noteStep({ context, trail }: Noted, step: Step): void {
  trail.steps.push(step)
  context.report({ type: 'step', ...step })
}

/** Filled while one request is resolved. */
export interface Trail {
  readonly steps: Step[]
  /** The first site that gave no usable answer. What others have may then be older than what it has. */
  failure: VmImageError | undefined
}

/** What a server does that has no usable answer. */
const failures: ReadonlySet<VmImageErrorCode> = new Set([
  'NETWORK',
  'LISTING_UNREADABLE',
  'ANSWER_TOO_LARGE',
  'INSECURE_REDIRECT',
  'FILE_NOT_FOUND',
])

/**
 * Notes a server that does not answer, or answers with something else than a listing; others may still have what is
 * looked for. Any other error is thrown on.
 */
export async function orNote<T>(trail: Trail, search: Promise<T>): Promise<T | undefined> {
  try {
    return await search
  } catch (error) {
    if (!(error instanceof VmImageError) || !failures.has(error.code)) throw error
    trail.failure ??= error
    return undefined
  }
}

/**
 * The error when every site has been asked: NETWORK (or what else was wrong with its answer) when one gave no usable
 * answer, NO_MATCH when all did.
 *
 * @param related names of other providers that may have it.
 */
export function nothingFound(
  what: string,
  { steps, failure }: Trail,
  related: readonly string[] = [],
): VmImageError {
  if (failure && failure.code !== 'NETWORK') return failure
  const tried = [...new Set(steps.map(({ url, found }) => `  ${url}: ${found}`))].join('\n')
  if (failure) {
    return new VmImageError(
      'NETWORK',
      `Cannot resolve "${what}": a server gave no usable answer, and nothing else may stand in for what it has.\n` +
        'Try again later, name an exact version that another server may have, or set VMIMAGE_MIRROR. Tried:\n' +
        tried,
      { cause: failure.cause },
    )
  }
  const others =
    related.length === 0 ? '' : ` Its publisher has more under other names: ${related.join(', ')}.`
  return new VmImageError(
    'NO_MATCH',
    `Cannot find "${what}": every server answered, and nothing that they list fits.\n` +
      `Ask for a version, build, variant or architecture that is listed.${others} Tried:\n${tried}`,
  )
}

/** Whether it is certain that there is no such directory or file; a failure of a server says nothing. */
export function isAbsent(error: unknown): boolean {
  if (error instanceof VmImageError && error.code === 'FILE_NOT_FOUND') return true
  const status = httpFaultOf(error)?.status
  return status === 404 || status === 410
}
