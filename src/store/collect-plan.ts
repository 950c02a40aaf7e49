/** What a collection removes and what it leaves: decided here from plain values, done in collect.ts. */
import type { Holder } from './holders.js'
import type { StoredImage } from './store.js'

export interface CachedImage extends StoredImage {
  /** What the disk gives to it. */
  readonly allocatedBytes: number
  /** Milliseconds since 1970, true to the hour. */
  readonly lastUsedAt: number
  readonly holders: readonly Holder[]
  /** A user has brought it from a file: nobody can fetch it again. */
  readonly isImported: boolean
}

/** What may go. A goal that is left out removes nothing. */
export interface CollectGoal {
  /** Images that nobody used for so long. */
  readonly maxAgeMs?: number | undefined
  /** The least recently used ones, until all together take no more than this. */
  readonly maxBytes?: number | undefined
  /** The least recently used ones, until so much is free. */
  readonly freeBytes?: number | undefined
  /** Every image. */
  readonly all?: boolean | undefined
}

export interface CollectPlan {
  readonly go: readonly { readonly image: CachedImage; readonly why: 'age' | 'size' | 'room' | 'all' }[]
  readonly stay: readonly {
    readonly image: CachedImage
    /** `unremovable`: it was to go, and the system lets this user not remove it. */
    readonly why: 'held' | 'young' | 'imported' | 'wanted' | 'unremovable'
  }[]
}

/** Whoever fetched it without a lease (a step of CI before the tests) shall find it a moment later. */
const youngMs = 3_600_000

/**
 * No image that somebody holds goes, whatever the goal; nor one that was published within the hour. One that was imported
 * goes only with all.
 */
export function planCollection(images: readonly CachedImage[], goal: CollectGoal, now: number): CollectPlan {
  const { maxAgeMs = Infinity, maxBytes = Infinity, freeBytes = 0, all = false } = goal
  let total = images.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0)
  let freed = 0
  const go: CollectPlan['go'][number][] = []
  const stay: CollectPlan['stay'][number][] = []
  const byUse = images.toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || (a.key < b.key ? -1 : 1))
  const take = (image: CachedImage, why: CollectPlan['go'][number]['why']) => {
    go.push({ image, why })
    total -= image.allocatedBytes
    freed += image.allocatedBytes
  }
  const left: CachedImage[] = []
  for (const image of byUse) {
    if (image.holders.length > 0) stay.push({ image, why: 'held' })
    else if (isYoung(image, now)) stay.push({ image, why: 'young' })
    else if (all) take(image, 'all')
    else if (image.isImported) stay.push({ image, why: 'imported' })
    else if (now - image.lastUsedAt > maxAgeMs) take(image, 'age')
    else left.push(image)
  }
  // What is too old is gone before it is asked whether the rest is too much.
  for (const image of left) {
    if (total > maxBytes) take(image, 'size')
    else if (freed < freeBytes) take(image, 'room')
    else stay.push({ image, why: 'wanted' })
  }
  return { go, stay }
}

/** By how far apart the two times are: a clock that was wrong keeps nothing for ever. */
function isYoung({ meta }: CachedImage, now: number): boolean {
  return Math.abs(now - Date.parse(meta.fetchedAt)) < youngMs
}
