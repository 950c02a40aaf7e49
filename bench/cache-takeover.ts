/**
 * How long a death costs: a process downloads and holds the lock, another waits, the first gets SIGKILL. The time is from
 * the signal to the other's having the lock.
 */
import { takeoversMs } from '../test/faults/takeover.js'
import { median, printTable } from './figures.js'

const kills = 30

export async function benchTakeover(): Promise<void> {
  const taken = await takeoversMs(kills)
  console.log(`\nTakeover after SIGKILL, ${kills} kills`)
  printTable([
    ['', 'ms'],
    ['least', Math.min(...taken).toFixed(0)],
    ['median', median(taken).toFixed(0)],
    ['most', Math.max(...taken).toFixed(0)],
  ])
}
