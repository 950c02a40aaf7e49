import { expect, test } from 'vitest'
import { killRuns } from './killed-runs.js'

test('fault 1, 6, runs are killed at random moments beside a living one: the next start leaves nothing of theirs, and the living one loses nothing', async () => {
  const moments = [Math.random(), Math.random(), Math.random()]
  let next = 0
  const { remaining, beside, ...counts } = await killRuns(3, () => moments[next++ % 3] ?? 0)
  expect(remaining, `killed at ${moments.join(', ')} of the time that a run takes`).toEqual([])
  expect(counts.killed).toBe(3)
  expect(beside.passed, beside.output).toBe(true)
  expect(beside.looks).toBeGreaterThan(5)
}, 180_000)
