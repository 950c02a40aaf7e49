/** The runs of Jest's main process, on their way from the global setup to the global teardown. */
import { processWide } from '../run/process-wide.js'

/** What closes each of them. */
export function jestRuns(): Set<() => void> {
  return processWide('vmimage.jest-runs.1', () => new Set())
}
