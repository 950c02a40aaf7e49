/** The real ensureBaseImage() for a publisher of the tests, with connections that are closed afterwards. */
import type { Options } from '../../src/options.js'
import type { BaseImage } from '../../src/image/base-image.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import type { Publisher } from '../support/publisher.js'

export interface EnsureOptions extends Options {
  readonly leaseDir?: string | undefined
  /** How much later than now it is asked; resolutions are a day old then. Default 0. */
  readonly laterMs?: number | undefined
}

export async function ensureFrom(
  publisher: Publisher,
  input: ImageInput,
  { leaseDir, laterMs = 0, ...options }: EnsureOptions = {},
): Promise<BaseImage> {
  const context = { ...publisher.context(options), now: () => Date.now() + laterMs }
  try {
    return await ensureBaseImage(parseRequest(input), leaseDir, context)
  } finally {
    await context.http.close()
  }
}

/** Late enough for a publisher to be asked again. */
export const nextWeekMs = 7 * 24 * 3_600_000

/** The warnings of a publisher's events, in order. */
export function warningsOf({ events }: Publisher): readonly string[] {
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
}

/** Whether any byte of an image was asked for. */
export function isImageAsked({ mirror }: Publisher): boolean {
  return mirror.requests.some(({ path }) => /\.qcow2(?:\.xz)?$/.test(path))
}
