/**
 * Paced: progress is told to people, who read ten numbers a second at most.
 */
const everyMs = 100

/** A `tell` that may be called for every piece of work, and goes through at once and then ten times a second at most. */
export function paced(tell: () => void): () => void {
  let toldAt = -Infinity
  return () => {
    const now = performance.now()
    if (now - toldAt < everyMs) return
    toldAt = now
    tell()
  }
}
