/** Runs the scenarios of one cell, and says what was seen. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { endsBySignals, endsOf, endsOfTests, type ScenarioName } from '../conformance/expectations.js'
import { tryEnds, tryWatch } from './ends.js'
import type { Framework, RunOptions } from './framework.js'
import { type KeptNote, keptRows, readKept } from './keep.js'
import { type Observation, readObservations } from './observations.js'
import { type Project, textOf } from './project.js'

export interface ScenarioRun {
  readonly observations: readonly Observation[]
  /** What the framework printed; empty where a scenario is many runs. */
  readonly output: string
}

export async function runScenario(project: Project, name: ScenarioName): Promise<ScenarioRun> {
  const { framework, setup } = project.cell
  if (name === 'ends of tests') {
    return { observations: await tryEnds(project, endsOf(endsOfTests, project.place)), output: '' }
  }
  if (name === 'ends by signals') {
    const signals = endsOf(endsBySignals, project.place)
    return { observations: await tryEnds(project, [...signals, 'SIGKILL to main']), output: '' }
  }
  if (name === 'watch') return { observations: await tryWatch(project), output: '' }
  const options = framework.scenarios[name]
  if (options === undefined) throw new TypeError(`${framework.name} has no scenario "${name}".`)
  // A scenario that is about one setup keeps it, all others run in the cell's.
  return runInside(project, name, options.setup === 'plugin' ? { ...options, setup } : options)
}

/** A scenario whose tests say themselves what they see. */
async function runInside(project: Project, name: ScenarioName, options: RunOptions): Promise<ScenarioRun> {
  const hasReports = isAboutKeeping(name) || name === 'canary'
  const junit = join(project.directory, `${name}.xml`)
  const env = isAboutKeeping(name) ? { VMIMAGE_KEEP: 'on-failure', VMIMAGE_KEEP_LAST: '20' } : {}
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
    ...ownRows(project.cell.framework, name, { output, how, kept: readKept(traces.overlays), reports }),
    ...(name === 'canary' ? [] : [{ row: `${name}: left in the directories of runs`, saw: left }]),
  ]
  return { observations, output: `${output}\n(${how})` }
}

function isAboutKeeping(name: ScenarioName): boolean {
  return name.startsWith('keep')
}

interface Seen {
  readonly output: string
  readonly how: string
  readonly kept: readonly KeptNote[]
  readonly reports: { readonly terminal: string; readonly junit: string }
}

/** What is seen from outside. */
function ownRows(framework: Framework, name: ScenarioName, seen: Seen): readonly Observation[] {
  if (isAboutKeeping(name)) return keptRows(name, seen.kept, seen.reports, framework)
  if (name === 'canary') return canaryRows(framework, seen.reports)
  if (name === 'onUnavailable: skip') return skipRows(framework, seen)
  if (name === 'open handles') {
    const saw = /open handle/i.test(seen.output) ? 'some' : 'none'
    return [{ row: 'open handles: those that Jest finds after a run', saw }]
  }
  return []
}

function canaryRows({ changesIn }: Framework, reports: Seen['reports']): readonly Observation[] {
  if (changesIn === undefined) return []
  const lookIn = (report: string) => (report.includes(`added in ${changesIn}`) ? 'there' : 'missing')
  const row = (report: string) => `canary: a message changed in ${changesIn} stands in the ${report} report`
  return [
    { row: row('default'), saw: lookIn(reports.terminal) },
    { row: row('junit'), saw: lookIn(reports.junit) },
  ]
}

function skipRows({ skippedIn }: Framework, { output, how }: Seen): readonly Observation[] {
  return [
    { row: 'onUnavailable: skip: the exit', saw: how },
    { row: 'onUnavailable: skip: tests that count as skipped', saw: skippedIn(output) },
    {
      row: 'onUnavailable: skip: the reason stands in the output',
      saw: /cannot \w+ .*VMIMAGE_OFFLINE|offline/i.test(output) ? 'there' : 'missing',
    },
  ]
}
