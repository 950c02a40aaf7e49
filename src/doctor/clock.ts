/** The clock: ages of resolutions and ends of signatures go by it. Nobody is asked for the time; the past is witness enough. */
import { join } from 'node:path'
import { statSync } from 'node:fs'
import { namesIn } from '../store/directory.js'
import { cacheLayout } from '../store/layout.js'
import { whenReadable } from '../store/readable.js'
import type { Check, Finding } from './check.js'

/** No clock that goes right shows a time before this file was written. */
const writtenAt = Date.UTC(2026, 10, 28)
/** Clocks of machines that share a cache differ a little. */
const toleranceMs = 5 * 60_000

export interface ClockFacts {
  readonly now: number
  /** When the newest entry of the cache was made, in milliseconds since 1970; undefined for an empty cache. */
  readonly newestEntry: number | undefined
}

export const clockCheck: Check = {
  topic: 'clock',
  find: ({ context }) => {
    const { images, resolved } = cacheLayout(context.cacheDir)
    return [judgeClock({ now: context.now(), newestEntry: newestIn([images, resolved]) })]
  },
}

export function judgeClock({ now, newestEntry = -Infinity }: ClockFacts): Finding {
  const known = Math.max(writtenAt, newestEntry)
  const date = new Date(now).toISOString()
  if (now >= known - toleranceMs) return { level: 'ok', text: `it is ${date}` }
  const witness = newestEntry > writtenAt ? 'the cache has an entry' : 'this version of vmimage was written'
  return {
    level: 'problem',
    text: `the clock says ${date}, and ${witness} of ${new Date(known).toISOString()}: certificates and signatures seem not valid yet`,
    cure: 'sudo timedatectl set-ntp true; in a virtual machine that was suspended: sudo hwclock --hctosys',
  }
}

function newestIn(directories: readonly string[]): number | undefined {
  const times = directories.flatMap((directory) =>
    (whenReadable(() => namesIn(directory)) ?? []).flatMap(
      (name) => whenReadable(() => statSync(join(directory, name)).mtimeMs) ?? [],
    ),
  )
  return times.length === 0 ? undefined : Math.max(...times)
}
