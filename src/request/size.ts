/** Sizes of disks, as people write them: bytes, or `512M`, `20G`, `1T` in multiples of 1024. */
import { invalidRequest } from './invalid.js'

const units = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const

/**
 * Reads a size into bytes. `20G`, `20g` and `20GiB` are the same; `20GB` is refused, as it means two things.
 *
 * @throws VmImageError INVALID_REQUEST when it is no size, or not a whole number of bytes.
 */
export function parseSize(size: string | number): number {
  const text = String(size).trim()
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:iB)?)?$/i.exec(text) ?? []
  const letter = unit.toUpperCase()
  const bytes = Number(amount) * (isUnit(letter) ? units[letter] : Number.NaN)
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  throw invalidRequest('size', size, 'a number of bytes, or one with a unit as in "512M", "20G", "1T"')
}

function isUnit(text: string): text is keyof typeof units {
  return Object.hasOwn(units, text)
}
