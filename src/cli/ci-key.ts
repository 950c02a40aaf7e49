/**
 * CiKey: the name under which a CI service keeps a cache. Such a cache never changes once it is saved, so its key has to
 * change whenever its content would.
 */
import { createHash } from 'node:crypto'
import type { Arch } from '../arch.js'

export interface CiKey {
  readonly key: string
  /** Beginnings of older keys, the best first: what they hold saves most of the downloads. */
  readonly restoreKeys: readonly string[]
}

export interface CacheContent {
  /** The requests, as `requestKey()` writes them: a provider that changes is another key. */
  readonly requests: readonly string[]
  /** The bytes of the pin file; undefined without pins. */
  readonly pins: string | undefined
  readonly arch: Arch
  /** Name of the directory of the cache's format: `v1`. */
  readonly format: string
  readonly platform: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * With pins, images are the same until a pin moves. Without, a name moves on with its publisher, and a key for ever would
 * keep the first builds for ever: it ends with the week.
 */
export function ciKeyOf({ requests, pins, arch, format, platform, now }: CacheContent): CiKey {
  const prefix = `vmimage-${format}-${platform}-${arch}-`
  const said = JSON.stringify([[...new Set(requests)].toSorted(), pins ?? ''])
  const hash = createHash('sha256').update(said).digest('hex').slice(0, 16)
  if (pins !== undefined) return { key: `${prefix}${hash}`, restoreKeys: [prefix] }
  return { key: `${prefix}${hash}-${weekOf(now)}`, restoreKeys: [`${prefix}${hash}-`, prefix] }
}

/** `2026w48` (ISO 8601): weeks begin on Monday, and belong to the year in which their Thursday is. */
function weekOf(now: number): string {
  const date = new Date(now)
  const day = date.getUTCDay() || 7
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 4 - day))
  const year = thursday.getUTCFullYear()
  const week = Math.ceil(((thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 + 1) / 7)
  return `${year}w${String(week).padStart(2, '0')}`
}
