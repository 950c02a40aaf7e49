/**
 * The short form: one operation of each kind, and a few more. `npm run test:faults` crashes at every one of them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrashLab, openCrashLab, samplePoints } from './crash-points.js'
import { type Scenario, scenarios } from './crash-scenarios.js'
import { seeded } from './seeded.js'

const seed = Number(process.env['VMIMAGE_FAULTS_SEED'] ?? Date.now() % 2 ** 31)
const timeoutMs = 300_000
let lab: CrashLab

beforeAll(async () => {
  lab = await openCrashLab()
})
afterAll(() => lab[Symbol.asyncDispose]())

describe(`crash points, VMIMAGE_FAULTS_SEED=${seed}`, () => {
  // Each title in full: the table of docs/reliability.md is made of what stands here.
  test(
    'fault 3, 4, SIGKILL at any operation of a download of an image that is packed: no invariant breaks, and the next try ends well',
    () => crashIn('a download of an image that is packed'),
    timeoutMs,
  )

  test(
    'fault 1, 3, 4, SIGKILL at any operation of a download of an image that is served as it is used: no invariant breaks, and the next try ends well',
    () => crashIn('a download of an image that is served as it is used'),
    timeoutMs,
  )

  test(
    'fault 1, 2, SIGKILL at any operation of a download that goes on from what a dead process received: no invariant breaks, and the next try ends well',
    () => crashIn('a download that goes on from what a dead process received'),
    timeoutMs,
  )

  test(
    'fault 2, 3, SIGKILL at any operation of a download that a dead process ended and did not publish: no invariant breaks, and the next try ends well',
    () => crashIn('a download that a dead process ended and did not publish'),
    timeoutMs,
  )

  test(
    'fault 6, SIGKILL at any operation of a run that finds its image in the cache, and keeps the disk of a test: no invariant breaks, and the next try ends well',
    () => crashIn('a run that finds its image in the cache, and keeps the disk of a test'),
    timeoutMs,
  )

  test(
    'fault 5, 6, SIGKILL at any operation of a start that sweeps what dead runs left: no invariant breaks, and the next try ends well',
    () => crashIn('a start that sweeps what dead runs left'),
    timeoutMs,
  )

  test(
    'fault 5, SIGKILL at any operation of a collection of what nobody uses: no invariant breaks, and the next try ends well',
    () => crashIn('a collection of what nobody uses'),
    timeoutMs,
  )

  test(
    'fault 45, SIGKILL at any operation of an image whose bytes rotted, which makes way for a new one: no invariant breaks, and the next try ends well',
    () => crashIn('an image whose bytes rotted, which makes way for a new one'),
    timeoutMs,
  )

  test(
    'fault 45, SIGKILL at any operation of an image that was restored with another time, and gets a new stamp: no invariant breaks, and the next try ends well',
    () => crashIn('an image that was restored with another time, and gets a new stamp'),
    timeoutMs,
  )

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

/** Crashes at some of its operations; what was wrong must be nothing. */
async function crashIn(name: string): Promise<void> {
  const scenario = scenarioOf(name)
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
}
