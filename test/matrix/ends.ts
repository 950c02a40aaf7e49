/**
 * Every way in which a run can end, tried with vmimage and at the same time without it: exit code and surviving
 * processes have to be the same, and no directory of a run may be left.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { endsBySignals, endsOfTests, Saw } from '../conformance/expectations.js'
import type { Child } from './child.js'
import type { RunOptions } from './framework.js'
import type { Observation } from './observations.js'
import { type Project, textOf, type Traces } from './project.js'

type End = (typeof endsOfTests)[number] | (typeof endsBySignals)[number] | 'SIGKILL to main'

interface Ending {
  /** What the test does. */
  readonly does: string
  readonly options?: Partial<RunOptions>
  /** What is done to the run, once its test has come as far as it goes. */
  readonly act?: (child: Child, traces: Traces) => void | Promise<void>
}

const endings: Readonly<Record<End, Ending>> = {
  'all tests pass': { does: 'pass' },
  'a test fails': { does: 'fail' },
  'beforeAll fails': { does: 'failing beforeAll' },
  'process.exit() in a test': { does: 'exit' },
  'an uncaught exception': { does: 'uncaught' },
  'an unhandled rejection': { does: 'unhandled' },
  '--bail while another test has a disk': {
    does: 'slow',
    options: { bail: true },
    // Vitest 3 waits for the other test; elsewhere that is cut off long before.
    act: async (child, { go }) => {
      await child.until(() => /[1-9] failed/.exec(child.output()) ?? undefined)
      await delay(500)
      writeFileSync(go, '')
    },
  },
  'a worker is killed': {
    does: 'wait',
    act: (_, { ready }) => void process.kill(Number(textOf(ready).split('\n')[0]), 'SIGKILL'),
  },
  'Ctrl-C': { does: 'wait', act: pressCtrlC },
  'SIGINT to main': { does: 'wait', act: (child) => child.kill('SIGINT') },
  'SIGTERM to main': { does: 'wait', act: (child) => child.kill('SIGTERM') },
  'SIGHUP to main': { does: 'wait', act: (child) => child.kill('SIGHUP') },
  'SIGKILL to main': { does: 'wait', act: (child) => child.kill('SIGKILL') },
  'SIGTERM while a test spins': { does: 'spin', act: (child) => child.kill('SIGTERM') },
  'Ctrl-C in watch mode': {
    does: 'pass',
    options: { isWatching: true },
    act: async (child) => {
      await child.until(
        () =>
          /Waiting for file changes|Ran all test suites|^✔ (pass|opens a disk)/m.exec(child.output()) ??
          undefined,
      )
      await pressCtrlC(child)
    },
  },
  '--forceExit': { does: 'pass', options: { args: ['--forceExit'] } },
  'Ctrl-C in watch mode while a test runs': { does: 'wait', options: { isWatching: true }, act: pressCtrlC },
}

/** Whoever gets no answer presses it again: Vitest 3 waits for the test, which may take for ever. */
async function pressCtrlC(child: Child): Promise<void> {
  child.killGroup('SIGINT')
  const again = new AbortController()
  const hasEnded = child.ended.then(() => again.abort())
  await delay(4000, undefined, { signal: again.signal }).then(
    () => child.killGroup('SIGINT'),
    () => hasEnded,
  )
}

/** A SIGKILL has no exit code to compare: nobody can change it. */
export async function tryEnds(project: Project, names: readonly End[]): Promise<readonly Observation[]> {
  const observations: Observation[] = []
  for (const name of names) observations.push(...(await tryEnd(project, name)))
  return observations
}

async function tryEnd(project: Project, name: End): Promise<readonly Observation[]> {
  const [control, ours] = await Promise.all([
    end(project, name, 'control'),
    end(project, name, project.cell.setup),
  ])
  const without = await countSurvivors(control.child, 0, 1000)
  const left = await whatIsLeft(project, ours)
  const survivors = await countSurvivors(ours.child, without, 5000)
  for (const { child } of [control, ours]) child.killSurvivors()
  const seen = (what: string, saw: Saw) => ({ row: `${name}: ${what}`, saw })
  const directories = seen('left in the directories of runs', left)
  if (name === 'SIGKILL to main') return [directories]
  const isSame = control.how === ours.how
  return [
    seen('the exit', isSame ? 'as without vmimage' : `${ours.how}, without vmimage ${control.how}`),
    seen(
      'processes that live on',
      survivors <= without ? 'no more than without vmimage' : `${survivors}, without vmimage ${without}`,
    ),
    directories,
  ]
}

async function end(project: Project, name: End, setup: string) {
  const { does, options, act } = endings[name]
  const { endings: file, failing } = project.cell.framework.ends
  const { child, traces } = project.start(`${name} ${setup}`, {
    files: options?.bail ? [file, failing] : [file],
    setup,
    ...options,
    env: { DO: does },
  })
  const isReady = await child.until(() => (textOf(traces.ready) === '' ? undefined : true))
  if (isReady && act) await act(child, traces)
  const { how } = await child.ended
  return { child, traces, how: isReady ? how : `${how} before the test ran` }
}

/** A worker needs a moment to see that main is gone. */
async function countSurvivors(child: Child, enough: number, waitMs: number): Promise<number> {
  const start = performance.now()
  for (;;) {
    const { length } = child.survivors()
    if (length <= enough || performance.now() - start > waitMs) return length
    await delay(50)
  }
}

/** The next start has the same directories. */
async function whatIsLeft(
  project: Project,
  { child, traces }: { child: Child; traces: Traces },
): Promise<string> {
  if (project.runDirectories(traces).length === 0) return 'nothing'
  const next = project.start('next start', {
    files: [project.cell.framework.ends.endings],
    setup: project.cell.setup,
    env: { DO: 'pass', VMIMAGE_OVERLAY_DIR: traces.overlays },
  })
  const { how } = await next.child.ended
  const left = project.runDirectories(traces)
  if (left.length === 0) return 'until the next start'
  // Nobody takes them away from it.
  if (child.survivors().length > 0) return 'those of a process that lives on'
  return `${left.join(' ')} (after the next start, ${how})`
}

/** Reruns in a watch session. */
export async function tryWatch(project: Project): Promise<readonly Observation[]> {
  const { watching } = project.cell.framework.ends
  const file = project.fileOf(watching)
  const { child, traces } = project.start('watch', {
    files: [watching],
    setup: project.cell.setup,
    isWatching: true,
  })
  const turns = () => textOf(traces.ready).split('\n').slice(0, -1)
  await child.until(() => (turns().length > 0 ? true : undefined))
  await child.until(
    () =>
      /Waiting for file changes|Ran all test suites|^✔ (pass|opens a disk)/m.exec(child.output()) ??
      undefined,
  )
  const [first = []] = turns().map((line) => JSON.parse(line) as string[]) // as watch.spec.ts writes it
  appendFileSync(file, '\n')
  await child.until(() => (turns().length > 1 ? true : undefined))
  const second = (JSON.parse(turns()[1] ?? '[]') ?? []) as string[] // the same
  const observations = [
    {
      row: 'watch: disks of the first turn are gone at the next',
      saw: first.some((path) => existsSync(path)) ? 'there' : 'gone',
    },
    {
      row: 'watch: the next turn has disks again',
      saw: second.length > 0 && !second.some((path) => first.includes(path)) ? 'fresh' : 'not',
    },
  ]
  await pressCtrlC(child)
  await child.ended
  child.killSurvivors()
  return observations
}
