/**
 * The long form: every crash point of every scenario, then the fuzz in each mode; prints what was counted. It fails when
 * anything went wrong, and when the negative control found nothing.
 *
 *     npm run test:faults -- [--minutes 10] [--runs 100] [--seed N] [--only crash|takeover|runs|lock|nolock|naive]
 */
import { parseArgs } from 'node:util'
import { allPoints, openCrashLab } from './crash-points.js'
import { scenarios } from './crash-scenarios.js'
import { fuzz, type Mode, modes } from './fuzz.js'
import { killRuns } from './killed-runs.js'
import { seeded } from './seeded.js'
import { takeoversMs } from './takeover.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string' },
  },
})
const seed = Number(values.seed)
const seededRuns = seeded(seed).fork('runs')
const isAsked = (part: string) => values.only === undefined || values.only === part

console.log(`seed ${seed}`)
if (isAsked('crash')) await crashEverywhere()
if (isAsked('takeover')) await measureTakeovers(60)
if (isAsked('runs')) await killRunsOf(Number(values.runs))
for (const mode of modes.filter(isAsked)) await fuzzFor(mode, 60 * Number(values.minutes))

async function crashEverywhere(): Promise<void> {
  await using lab = await openCrashLab()
  for (const scenario of scenarios) {
    const operations = await lab.operations(scenario)
    let reached = 0
    const wrong: string[] = []
    for (const point of allPoints(operations)) {
      const found = await lab.crash(scenario, point)
      reached += Number(found.isReached)
      wrong.push(
        ...found.wrong.map((what) => `${point.at} ${point.side} ${operations[point.at - 1]}: ${what}`),
      )
    }
    console.log(
      `crash points of ${scenario.name}: ${operations.length} operations, ${reached} crashes, ${wrong.length} wrong`,
    )
    tellFailures(wrong)
    if (operations.length < scenario.leastOperations)
      tellFailures([`it has ${operations.length} operations only`])
  }
}

async function measureTakeovers(rounds: number): Promise<void> {
  const taken = (await takeoversMs(rounds)).toSorted((a, b) => a - b)
  const [median = NaN, most = NaN] = [taken[Math.floor(rounds / 2)], taken.at(-1)]
  console.log(
    `takeover after SIGKILL, ${rounds} kills: median ${median.toFixed(0)} ms, most ${most.toFixed(0)} ms`,
  )
}

async function killRunsOf(runs: number): Promise<void> {
  const { remaining, beside, ...counts } = await killRuns(runs, () => seededRuns.next())
  console.log(`\nruns of a suite with 4 workers, killed at random moments beside a living one`)
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name.padEnd(24)} ${count}`)
  console.log(`  ${'remaining'.padEnd(24)} ${remaining.length}`)
  console.log(`  ${'looks of the living one'.padEnd(24)} ${beside.looks}`)
  tellFailures(remaining.map((path) => `${path} is left of a dead run`))
  if (!beside.passed) tellFailures([`the living run failed:\n${beside.output}`])
}

async function fuzzFor(mode: Mode, seconds: number): Promise<void> {
  const { counts, servedRatio, failures } = await fuzz({ mode, seed, seconds, longStops: true })
  console.log(`\nfuzz, mode ${mode}, ${seconds} s`)
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name.padEnd(24)} ${count}`)
  console.log(`  ${'bytes served a publish'.padEnd(24)} ${servedRatio.toFixed(2)} times its size`)
  if (mode !== 'naive') return tellFailures(failures)
  if (counts.corruptUses === 0)
    tellFailures(['the naive cache was found to be right: this fuzz proves nothing'])
}

function tellFailures(failures: readonly string[]): void {
  for (const failure of failures.slice(0, 50)) console.log(`  WRONG ${failure}`)
  if (failures.length > 0) process.exitCode = 1
}
