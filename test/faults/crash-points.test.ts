/**
 * The short form: one operation of each kind, and a few more. `npm run test:faults` crashes at every one of them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrashLab, openCrashLab, samplePoints } from './crash-points.js'
import { scenarios } from './crash-scenarios.js'
import { seeded } from './seeded.js'

const seed = Number(process.env['VMIMAGE_FAULTS_SEED'] ?? Date.now() % 2 ** 31)
let lab: CrashLab

beforeAll(async () => {
  lab = await openCrashLab()
})
afterAll(() => lab[Symbol.asyncDispose]())

describe(`crash points, VMIMAGE_FAULTS_SEED=${seed}`, () => {
  test.each(scenarios)(
    'fault $faults, SIGKILL at any operation of $name: no invariant breaks, and the next try ends well',
    async (scenario) => {
      const operations = await lab.operations(scenario)
      expect(operations.length).toBeGreaterThanOrEqual(scenario.leastOperations)
      const points = samplePoints(operations, scenario.sampleOf, seeded(seed))
      const wrong: string[] = []
      for (const point of points) {
        const found = await lab.crash(scenario, point)
        wrong.push(...found.wrong.map((what) => `${point.side} ${operations[point.at - 1]}: ${what}`))
      }
      expect(wrong).toEqual([])
    },
    180_000,
  )
})
