/** Sizes as people write them: bytes, or `512M`, `20G`, `1T` in multiples of 1024. */
const units = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const

/**
 * Bytes of a size; undefined when it is none, or not a whole number of bytes above 0. `20G`, `20g` and `20GiB` are the
 * same; `20GB` is refused, as it means two things.
 */
export function sizeInBytes(size: string | number): number | undefined {
  const text = String(size).trim()
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:iB)?)?$/i.exec(text) ?? []
  const letter = unit.toUpperCase()
  const bytes = Number(amount) * (isUnit(letter) ? units[letter] : Number.NaN)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}

function isUnit(text: string): text is keyof typeof units {
  return Object.hasOwn(units, text)
}
