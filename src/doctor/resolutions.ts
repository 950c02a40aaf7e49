/** What names are known to mean, and since when. */
import { cacheLayout } from '../store/layout.js'
import { listResolutions, type Resolution } from '../store/resolutions.js'
import { whenReadable } from '../store/readable.js'
import { findImage } from '../store/store.js'
import type { Check, Finding } from './check.js'

export interface ResolutionFacts {
  readonly known: readonly (Pick<Resolution, 'request' | 'resolvedAt' | 'isImported'> & {
    /** Whether its image is in the cache. */
    readonly isCached: boolean
  })[]
  readonly now: number
  readonly maxAgeMs: number
}

export const resolutionsCheck: Check = {
  topic: 'names',
  find: ({ context }) => {
    const layout = cacheLayout(context.cacheDir)
    const known = (whenReadable(() => listResolutions(layout)) ?? []).map((resolution) => ({
      ...resolution,
      isCached: whenReadable(() => findImage(layout, resolution.key)) !== undefined,
    }))
    return judgeResolutions({ known, now: context.now(), maxAgeMs: context.maxResolveAgeMs })
  },
}

export function judgeResolutions({ known, now, maxAgeMs }: ResolutionFacts): readonly Finding[] {
  if (known.length === 0) return [{ level: 'ok', text: 'no name was resolved yet' }]
  return known
    .toSorted((a, b) => a.resolvedAt - b.resolvedAt)
    .map(({ request, resolvedAt, isImported = false, isCached }) => {
      const name = request.replace(/ provider=\w+/, '').replace(/^imported /, '')
      const age = ageText(now - resolvedAt)
      if (!isCached)
        return { level: 'ok', text: `${name}: resolved ${age} ago, its image is not here any more` }
      if (isImported) return { level: 'ok', text: `${name}: a file of yours, imported ${age} ago` }
      const isOld = now - resolvedAt > maxAgeMs
      return {
        level: 'ok',
        text: `${name}: resolved ${age} ago${isOld ? ', asked again when it is next used' : ''}`,
      }
    })
}

export function ageText(ms: number): string {
  const hours = Math.max(ms, 0) / 3_600_000
  if (hours < 1) return `${Math.round(hours * 60)} min`
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} days`
}
