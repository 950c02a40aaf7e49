/**
 * LockWatch: what one waiter has seen of a lock and of the download under it, by a clock that does not jump: how long
 * the heartbeat has been silent, and how many bytes come in a second.
 */
import { statSync } from 'node:fs'
import { whenReadable } from './readable.js'

/** The rate is that of the last seconds: what came before the waiter did is none of its merit. */
const rateOverMs = 10_000

interface Sample {
  readonly bytes: number
  readonly atMs: number
}

export class LockWatch {
  readonly #path: string
  readonly #now: () => number
  #beat: string | undefined
  #beatAtMs: number
  #grownAtMs: number
  #samples: readonly Sample[] = []

  /** @param now milliseconds on a clock that does not jump. */
  constructor(lockPath: string, now: () => number = () => performance.now()) {
    this.#path = lockPath
    this.#now = now
    this.#beatAtMs = now()
    this.#grownAtMs = now()
  }

  /** For how long this waiter has seen one and the same lock without a heartbeat. */
  silentMs(): number {
    const beat = beatOf(this.#path)
    if (beat !== this.#beat) {
      this.#beat = beat
      this.#beatAtMs = this.#now()
    }
    return this.#now() - this.#beatAtMs
  }

  /** Notes how many bytes have arrived by now. */
  see(bytes: number): void {
    const now = { bytes, atMs: this.#now() }
    const last = this.#samples.at(-1)
    if (last?.bytes !== bytes) this.#grownAtMs = now.atMs
    // Fewer than before: somebody else has begun anew.
    const kept = last !== undefined && bytes < last.bytes ? [] : this.#samples
    this.#samples = [...kept.filter(({ atMs }) => now.atMs - atMs <= rateOverMs), now]
  }

  /** For how long the bytes have not grown. */
  get stalledMs(): number {
    return this.#now() - this.#grownAtMs
  }

  /** Undefined until there are two looks to compare. */
  get bytesPerSecond(): number | undefined {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs)
  }
}

/** Changes with each heartbeat, and with each new lock. */
function beatOf(path: string): string | undefined {
  const stat = whenReadable(() => statSync(path, { bigint: true }))
  return stat && `${stat.ino}:${stat.birthtimeNs}:${stat.mtimeNs}`
}
