/**
 * LockWatch: what one waiter has seen of a lock and of the download under it, by a clock that does not jump: how long
 * the heartbeat has been silent, and how many bytes come in a second.
 */
import { statSync } from 'node:fs'
import { whenReadable } from './readable.js'

/** The rate is that of the last seconds. */
const rateOverMs = 10_000
/** Between two looks no more time counts: when all of a machine or container was frozen, nobody was silent in it. */
const mostBetweenLooksMs = 2000

interface Sample {
  readonly bytes: number
  readonly atMs: number
}

export class LockWatch {
  readonly #path: string
  readonly #now: () => number
  #beat: string | undefined
  /** How long this waiter has watched; see {@link mostBetweenLooksMs}. */
  #watchedMs = 0
  #lookedAtMs: number
  #beatAtMs = 0
  #grownAtMs = 0
  #samples: readonly Sample[] = []
  #toldAtMs = -Infinity

  /** @param now milliseconds on a clock that does not jump. */
  constructor(lockPath: string, now: () => number = () => performance.now()) {
    this.#path = lockPath
    this.#now = now
    this.#lookedAtMs = now()
  }

  /** For how long this waiter has seen one and the same lock without a heartbeat. */
  silentMs(): number {
    const watchedMs = this.#watch()
    const beat = beatOf(this.#path)
    if (beat !== this.#beat) {
      this.#beat = beat
      this.#beatAtMs = watchedMs
    }
    return watchedMs - this.#beatAtMs
  }

  /** Notes how many bytes have arrived by now. */
  see(bytes: number): void {
    const watchedMs = this.#watch()
    const now = { bytes, atMs: this.#now() }
    const last = this.#samples.at(-1)
    if (last?.bytes !== bytes) this.#grownAtMs = watchedMs
    // Fewer than before: somebody else has begun anew.
    const kept = last !== undefined && bytes < last.bytes ? [] : this.#samples
    this.#samples = [...kept.filter(({ atMs }) => now.atMs - atMs <= rateOverMs), now]
  }

  /** Whether it is time to tell people again; asking counts as having told. */
  isToTell(everyMs: number): boolean {
    if (this.#now() - this.#toldAtMs < everyMs) return false
    this.#toldAtMs = this.#now()
    return true
  }

  /** For how long the bytes have not grown. */
  get stalledMs(): number {
    return this.#watch() - this.#grownAtMs
  }

  /** Undefined until there are two looks to compare. */
  get bytesPerSecond(): number | undefined {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs)
  }

  #watch(): number {
    const nowMs = this.#now()
    this.#watchedMs += Math.min(nowMs - this.#lookedAtMs, mostBetweenLooksMs)
    this.#lookedAtMs = nowMs
    return this.#watchedMs
  }
}

/** Changes with each heartbeat, and with each new lock. */
function beatOf(path: string): string | undefined {
  const stat = whenReadable(() => statSync(path, { bigint: true }))
  return stat && `${stat.ino}:${stat.birthtimeNs}:${stat.mtimeNs}`
}
