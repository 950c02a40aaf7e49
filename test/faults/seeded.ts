/** Random numbers that come again with the same seed: what a fuzz decided can be decided once more. */

export interface Seeded {
  /** In [0, 1). */
  next(): number
  /** A whole number in [from, to]. */
  between(from: number, to: number): number
  /** True so often, of 1. */
  chance(probability: number): boolean
  /** One of them. */
  pick<T>(from: readonly T[]): T
  /** A generator of its own for one part of the work, so that the parts do not take each other's numbers. */
  fork(name: string): Seeded
}

/** Mulberry32: 32 bits of state, enough to choose what to break. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick: (from) => {
      const picked = from[Math.floor(next() * from.length)]
      if (picked === undefined) throw new TypeError('pick() needs something to pick from.')
      return picked
    },
    fork: (name) => seeded(Buffer.from(name).reduce((sum, byte) => Math.imul(sum ^ byte, 16_777_619), seed)),
  }
}
