/**
 * The short form: one operation of each kind, and a few more. `npm run test:faults` crashes at every one of them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrashLab, openCrashLab, samplePoints } from './crash-points.js'
import { type Scenario, scenarios } from './crash-scenarios.js'
import { seeded } from './seeded.js'

const seed = Number(process.env['VMIMAGE_FAULTS_SEED'] ?? Date.now() % 2 ** 31)
let lab: CrashLab

beforeAll(async () => {
  lab = await openCrashLab()
})
afterAll(() => lab[Symbol.asyncDispose]())

describe(`crash points, VMIMAGE_FAULTS_SEED=${seed}`, () => {
  for (const scenario of scenarios) {
    // Not test.each(): it cuts long names, and puts them into quotation marks.
    test(`fault ${scenario.faults}, SIGKILL at any operation of ${scenario.name}: no invariant breaks, and the next try ends well`, async () => {
      const operations = await lab.operations(scenario)
      expect(operations.length).toBeGreaterThanOrEqual(scenario.leastOperations)
      const points = samplePoints(operations, scenario.sampleOf, seeded(seed))
      const wrong: string[] = []
      let reached = 0
      for (const point of points) {
        const found = await lab.crash(scenario, point)
        reached += Number(found.isReached)
        wrong.push(...found.wrong.map((what) => `${point.side} ${operations[point.at - 1]}: ${what}`))
      }
      expect(wrong).toEqual([])
      // A download may come in fewer pieces than at first, so that an operation near the end is not reached.
      expect(reached).toBeGreaterThan(points.length / 3)
    }, 300_000)
  }

  test('fault 4, an image is published: it is flushed before the rename, and the rename after it', async () => {
    const operations = await lab.operations(scenarioOf('a download of an image that is served as it is used'))
    const steps = [
      /^chmod .*\/pub\/disk$/,
      /^fsync .*\/pub\/disk$/,
      /^write .*\/pub\/meta\.json$/,
      /^fsync .*\/pub\/meta\.json$/,
      /^fsync .*\/pub$/,
      /^link .*\/pub\/disk -> .*\/run\/.*\/base-/,
      /^rename .*\/pub -> cache\/v1\/images\//,
      /^fsync cache\/v1\/images$/,
    ]
    const places = steps.map((step) => operations.findIndex((operation) => step.test(operation)))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  test('I8, a cached image: nothing is written to the cache but the lease, and no lock is taken', async () => {
    const operations = await lab.operations(
      scenarioOf('a run that finds its image in the cache, and keeps the disk of a test'),
    )
    const written = operations.filter(
      // What is there already is asked for again, and stays.
      (operation) =>
        / cache\//.test(operation) && !/^mkdir cache(\/v1(\/\w+)?)?$|CACHEDIR\.TAG$/.test(operation),
    )
    expect(
      written.filter((operation) => !/^\w+ cache\/v1\/(run|images\/\S+ -> cache\/v1\/run)\//.test(operation)),
    ).toEqual([])
    expect(written.filter((operation) => operation.startsWith('link '))).toHaveLength(1)
  })
})

function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found === undefined) throw new Error(`There is no scenario "${name}".`)
  return found
}
