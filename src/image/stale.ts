/** An answer that is used although it is old: how old, and why no newer one is. */
import { ageText } from '../age-text.js'
import type { BaseImage } from './base-image.js'

/** `resolved 9 days ago, and not again: the network is switched off.` */
export function staleText(resolvedAt: number, reason: string, now: number): string {
  return `resolved ${ageText(now - resolvedAt)} ago, and not again: ${reason}`
}

export function asStale(base: BaseImage, reason: string, now: number): BaseImage {
  const { at } = base.resolved
  return { ...base, resolved: { at, stale: staleText(Date.parse(at), reason, now) } }
}
