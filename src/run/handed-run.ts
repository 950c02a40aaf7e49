/**
 * How workers that share nothing but the environment with their main process (Jest's, Playwright's) come to know their
 * run: a file in the run's directory, named by a variable. Not the facts themselves: Linux limits a variable to 128 KiB.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { currentEnvironment, setVariable } from '../environment.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { packageVersion } from '../package-version.js'
import { processWide } from './process-wide.js'
import type { RunInfo } from './run.js'

const variable = 'VMIMAGE_RUN'

interface Handed {
  /** Of the package that wrote it: what a run is has no other version. */
  readonly version: string
  readonly run: RunInfo
}

/** The file that was read last: each test asks several times. */
interface Known {
  last?: { readonly file: string; readonly changedAtMs: number; readonly run: RunInfo }
}

/** Tells the processes that this one starts from now on. The file goes with the run's directory. */
export function handOver(run: RunInfo): void {
  const file = join(run.overlayDir, 'run.json')
  const handed: Handed = { version: packageVersion, run }
  writeFileSync(file, JSON.stringify(handed), { mode: 0o600 })
  setVariable(variable, file)
}

/** Takes it back: the run has ended. */
export function takeBack(): void {
  setVariable(variable, undefined)
}

/**
 * The run of the main process; undefined when it told of none, or that one has ended.
 *
 * @throws VmImageError NO_RUN when the main process has another version of this package.
 */
export function findHandedRun(): RunInfo | undefined {
  const file = currentEnvironment()[variable]
  if (file === undefined) return undefined
  const changedAtMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs
  if (changedAtMs === undefined) return undefined
  const known = processWide<Known>('vmimage.handed-run.1', () => ({}))
  if (known.last?.file === file && known.last.changedAtMs === changedAtMs) return known.last.run
  const text = readIfThere(file)
  if (text === undefined) return undefined
  const run = parseHanded(text)
  known.last = { file, changedAtMs, run }
  return run
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function parseHanded(text: string): RunInfo {
  const { version, run } = JSON.parse(text) as Partial<Handed> // of this version, if it says so
  if (version === packageVersion && run !== undefined) return run
  throw new VmImageError(
    'NO_RUN',
    `Cannot join the run: its global setup is of ${version === undefined ? 'another vmimage' : `vmimage ${version}`}, the tests have ${packageVersion}.\n` +
      'Install one version of vmimage for both; "npm ls vmimage" shows where each comes from.',
  )
}
