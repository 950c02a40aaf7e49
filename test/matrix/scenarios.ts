/** Runs the scenarios of one cell, and says what was seen. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { endsBySignals, endsOfTests, type ScenarioName } from '../conformance/expectations.js'
import { tryEnds, tryWatch } from './ends.js'
import { keptRows, readKept } from './keep.js'
import type { RunOptions } from './framework.js'
import { type Observation, readObservations } from './observations.js'
import { type Project, textOf } from './project.js'

export interface ScenarioRun {
  readonly observations: readonly Observation[]
  /** What the framework printed; empty where a scenario is many runs. */
  readonly output: string
}

export async function runScenario(project: Project, name: ScenarioName): Promise<ScenarioRun> {
  if (name === 'ends of tests') {
    return { observations: await tryEnds(project, endsOfTests), output: '' }
  }
  if (name === 'ends by signals') {
    return { observations: await tryEnds(project, [...endsBySignals, 'SIGKILL to main']), output: '' }
  }
  if (name === 'watch') return { observations: await tryWatch(project), output: '' }
  const { framework, setup } = project.cell
  const options = framework.scenarios[name]
  if (options === undefined) throw new TypeError(`${framework.name} has no scenario "${name}".`)
  // A scenario that is about one setup keeps it, all others run in the cell's.
  return runInside(project, name, options.setup === 'plugin' ? { ...options, setup } : options)
}

/** A scenario whose tests say themselves what they see. */
async function runInside(project: Project, name: ScenarioName, options: RunOptions): Promise<ScenarioRun> {
  const isAboutKeeping = name.startsWith('keep')
  const hasReports = isAboutKeeping || name === 'canary'
  const junit = join(project.directory, `${name}.xml`)
  const env = isAboutKeeping ? { VMIMAGE_KEEP: 'on-failure', VMIMAGE_KEEP_LAST: '20' } : {}
  const { child, traces } = project.start(name, {
    ...options,
    env: { ...options.env, ...env },
    ...(hasReports && { junit }),
  })
  const { output, how } = await child.ended
  await child.until(() => (child.survivors().length === 0 ? true : undefined))
  const left = project.runDirectories(traces).join(' ') || 'nothing'
  const reports = { terminal: output, junit: existsSync(junit) ? textOf(junit) : '' }
  const observations = [
    ...readObservations(textOf(traces.observed)),
    ...(isAboutKeeping ? keptRows(name, readKept(traces.overlays), reports, project.cell.framework) : []),
    ...(name === 'canary'
      ? canaryRows(reports)
      : [{ row: `${name}: left in the directories of runs`, saw: left }]),
  ]
  return { observations, output: `${output}\n(${how})` }
}

function canaryRows(reports: { readonly terminal: string; readonly junit: string }): readonly Observation[] {
  return [
    {
      row: 'canary: a message changed in onTestFinished stands in the default report',
      saw: lookIn(reports.terminal),
    },
    {
      row: 'canary: a message changed in onTestFinished stands in the junit report',
      saw: lookIn(reports.junit),
    },
  ]
}

function lookIn(report: string): string {
  return report.includes('added in onTestFinished') ? 'there' : 'missing'
}
