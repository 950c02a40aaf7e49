/** What the commands that show or remove base images have in common: their text, and their JSON. */
import { titleOf } from '../image-facts.js'
import { sizeText } from '../progress-text.js'
import type { CachedImage } from '../store/collect-plan.js'
import { holderText } from '../store/holder-text.js'

/** `Fedora 44 1.7 x86_64`, and the beginning of its key where that is asked for. */
export function imageTitle({ key, meta }: CachedImage): string {
  return [titleOf(meta), meta.build, meta.arch, shortKey(key)].filter((part) => part !== undefined).join(' ')
}

/** As much of a key as tells images apart; the name of the algorithm, which is nearly always the same, left out. */
export function shortKey(key: string): string {
  return key.slice(key.indexOf('-') + 1).slice(0, 12)
}

/** Who holds it, one text each. */
export function holderTexts({ holders }: CachedImage, now: number): readonly string[] {
  return holders.map((holder) => holderText(holder, now))
}

/** As a record for programs. */
export function jsonOf({ meta, key, path, allocatedBytes, lastUsedAt, holders }: CachedImage) {
  return { ...meta, key, path, allocatedBytes, lastUsedAt: new Date(lastUsedAt).toISOString(), holders }
}

export function sumText(images: readonly CachedImage[]): string {
  return sizeText(images.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0))
}
