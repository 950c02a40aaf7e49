/** Writing down what a request resolved to, where that is possible: the image is the truth, the record only a hint. */
import type { Context } from '../context.js'
import { systemErrorCode } from '../errors.js'
import { titleOf } from '../image-facts.js'
import type { CacheLayout } from '../store/layout.js'
import { rememberResolution, type Resolution } from '../store/resolutions.js'

/** A read-only cache, or a full one. */
const passable: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT'])

/** Remembers; where the cache takes no record there is a warning, and the publisher is asked again the next time. */
export function rememberIfPossible(
  layout: CacheLayout,
  resolution: Resolution,
  { report }: Pick<Context, 'report'>,
): void {
  try {
    rememberResolution(layout, resolution)
  } catch (error) {
    const code = systemErrorCode(error) ?? ''
    if (!passable.has(code)) throw error
    report({
      type: 'warning',
      message: `Which build ${titleOf(resolution)} is cannot be written down in "${layout.resolved}" (${code}): its publisher is asked again the next time.`,
    })
  }
}
