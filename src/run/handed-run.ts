/**
 * How workers that share nothing but the environment with their main process (Jest's, Playwright's) come to know their
 * run: a file in the run's directory, named by a variable. Not the facts themselves: Linux limits a variable to 128 KiB.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { currentEnvironment, setVariable } from '../environment.js'
import { systemErrorCode } from '../errors.js'
import type { RunInfo } from './run.js'

const variable = 'VMIMAGE_RUN'

/** Tells the processes that this one starts from now on. The file goes with the run's directory. */
export function handOver(run: RunInfo): void {
  const file = join(run.overlayDir, 'run.json')
  writeFileSync(file, JSON.stringify(run), { mode: 0o600 })
  setVariable(variable, file)
}

/** Takes it back: the run has ended. */
export function takeBack(): void {
  setVariable(variable, undefined)
}

/** The run of the main process; undefined when it told of none, or that one has ended. */
export function findHandedRun(): RunInfo | undefined {
  const file = currentEnvironment()[variable]
  if (file === undefined) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunInfo // written by handOver()
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
