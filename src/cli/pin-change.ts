/** What became of a pin, for people and for programs. */
import { titleOf } from '../image-facts.js'
import type { Pin } from '../image/pins.js'

export interface PinChange {
  /** The key in the pin file: `fedora:41 x86_64`. */
  readonly request: string
  readonly change: 'added' | 'moved' | 'unchanged' | 'removed'
  readonly from: Pin | undefined
  readonly to: Pin | undefined
}

/** `moved  fedora x86_64  Fedora 43 build 1.6 -> Fedora 44 build 1.7`. */
export function changeRow({ request, change, from, to }: PinChange): readonly string[] {
  return [change, request, change === 'moved' && from && to ? moveText(from, to) : buildText(to ?? from)]
}

function moveText(from: Pin, to: Pin): string {
  const [before, after] = [buildText(from), buildText(to)]
  if (before !== after) return `${before} -> ${after}`
  if (from.digest !== to.digest) return `${after}, another file: ${from.digest} -> ${to.digest}`
  if (from.url !== to.url) return `${after}, the same file: ${from.url} -> ${to.url}`
  return `${after}, the same file: ${groundText(from)} -> ${groundText(to)}`
}

function buildText(pin: Pin | undefined): string {
  if (pin === undefined) return ''
  return [titleOf(pin), pin.build && `build ${pin.build}`].filter(Boolean).join(' ')
}

function groundText({ trust, signedBy }: Pin): string {
  return signedBy === undefined ? trust : `${trust} by ${signedBy}`
}
