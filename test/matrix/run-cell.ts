/** One cell, from the installation to the comparison. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  endsBySignals,
  endsOf,
  endsOfTests,
  type Expectation,
  expectations,
  type Place,
  type ScenarioName,
} from '../conformance/expectations.js'
import type { Cell } from './framework.js'
import type { CellRun, Lab } from './matrix-cell.js'
import { compareWith, type Comparison } from './observations.js'
import { makeProject } from './project.js'
import { runScenario } from './scenarios.js'

const tailLines = 40

export async function runCell(cell: Cell, { installations, mirrorUrl }: Lab): Promise<CellRun> {
  const { framework } = cell
  const node = await installations.node(cell.node)
  // `~3.2.0` is another directory than `3.2.0`.
  const range = cell.version.replace('~', 'newest-').replace('^', 'any-')
  const label = `${framework.name}-${range}`
  const installation = await installations.install(label, framework.packages(cell.version))
  const start = performance.now()
  const version = framework.versionOf?.(installation, node) ?? installation.versionOf(framework.name)
  const place = framework.place(cell, version)
  const directory = join(installation.directory, 'cells', cell.name.replaceAll(' ', '-'))
  rmSync(directory, { recursive: true, force: true })
  const project = makeProject(cell, {
    place,
    directory,
    node,
    nodeModules: installation.nodeModules,
    mirrorUrl,
  })
  const comparisons: Comparison[] = []
  const tail: string[] = []
  for (const name of cell.scenarios) {
    const { observations, output } = await runScenario(project, name)
    const comparison = compareWith(expectationsOf(name, place), observations, place)
    comparisons.push(comparison)
    if (comparison.differences.length > 0) tail.push(...output.trimEnd().split('\n').slice(-tailLines))
  }
  const sum = (count: (comparison: Comparison) => number) =>
    comparisons.reduce((total, comparison) => total + count(comparison), 0)
  const differences = comparisons.flatMap((comparison) => comparison.differences)
  if (differences.length === 0) rmSync(directory, { recursive: true, force: true })
  return {
    result: {
      version,
      passed: sum(({ passed }) => passed),
      total: sum(({ total }) => total),
      seconds: (performance.now() - start) / 1000,
      differences,
    },
    tail,
  }
}

/** After each scenario nothing may be left of its run; the ends look at that themselves. */
function expectationsOf(name: ScenarioName, place: Place): readonly Expectation[] {
  const all: readonly Expectation[] = expectations[name]
  const own = all.filter(({ frameworks }) => frameworks?.includes(place.framework) ?? true)
  if (name.startsWith('ends ')) {
    const tried = [...endsOf([...endsOfTests, ...endsBySignals], place), 'SIGKILL to main']
    return own.filter(({ row }) => tried.some((end) => row.startsWith(`${end}: `)))
  }
  if (name === 'watch' || name === 'canary') return own
  return [...own, { row: `${name}: left in the directories of runs`, phase: 'after the run', saw: 'nothing' }]
}
