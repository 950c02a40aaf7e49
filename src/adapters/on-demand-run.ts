/**
 * A run of this process alone, which fetches an image when the first test asks for it: for runners where nothing comes
 * before the tests.
 */
import { processWide } from '../run/process-wide.js'
import type { Run } from '../run/run.js'
import { startConfiguredRun } from './configured-run.js'

/** The one of this process, started by the first who asks; it ends with the process. */
export function onDemandRun(): Promise<Run> {
  const place = processWide<{ run?: Promise<Run> }>('vmimage.on-demand-run.1', () => ({}))
  place.run ??= startConfiguredRun({ root: process.cwd(), isOnDemand: true })
  return place.run
}
