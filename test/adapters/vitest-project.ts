/**
 * A project as a user has it: a directory of its own with vmimage installed in node_modules (a copy of dist/, so
 * build first), its tests copied from projects/<name>, and a real Vitest that runs them in a child process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { installPackage } from '../support/install-package.js'
import { tempDir } from '../support/temp-dir.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface TestResult {
  readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo'
  /** What the test's errors say. */
  readonly message: string
}

export interface VitestRun {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  /** By the names of the suites and the test, joined by blanks. */
  readonly tests: Readonly<Record<string, TestResult>>
}

export interface RunningVitest {
  readonly child: ChildProcess
  /** Resolves when the output has a line that matches. */
  said(pattern: RegExp): Promise<void>
  readonly ended: Promise<VitestRun>
}

export interface VitestProject extends AsyncDisposable {
  readonly path: string
  /** A small qcow2 image of this project; the tests get its path in the variable IMAGE. */
  readonly image: string
  start(args?: readonly string[], env?: Readonly<Record<string, string>>): RunningVitest
  run(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<VitestRun>
  /** Directories of runs, in the cache and among the overlays. */
  runDirectories(): readonly string[]
  /** Directories of kept disks, by name. */
  kept(): readonly string[]
  keptPath(name: string): string
}

/** @param name one of projects/, or the absolute path of another project. */
export async function openProject(name: string): Promise<VitestProject> {
  const { path, [Symbol.asyncDispose]: dispose } = await tempDir()
  cpSync(resolve(root, 'test/adapters/projects', name), path, { recursive: true })
  writeFileSync(join(path, 'package.json'), '{ "type": "module" }')
  installPackage(join(path, 'node_modules'))
  const image = join(path, 'system.qcow2')
  writeFileSync(image, smallQcow2(name))
  const cacheDir = join(path, 'cache')
  const overlayDir = join(path, 'overlays')
  const start: VitestProject['start'] = (args = [], env = {}) => {
    const results = join(path, 'results.json')
    const vitest = join(path, 'node_modules/vitest/vitest.mjs')
    const reporters = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']
    const child = spawn(
      process.execPath,
      [vitest, 'run', ...reporters, '--reporter=json', `--outputFile.json=${results}`, ...args],
      {
        cwd: path,
        env: {
          ...cleanEnvironment(),
          VMIMAGE_CACHE_DIR: cacheDir,
          VMIMAGE_OVERLAY_DIR: overlayDir,
          IMAGE: image,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    return observe(child, results)
  }
  return {
    path,
    image,
    start,
    run: (args, env) => start(args, env).ended,
    runDirectories: () => [join(cacheDir, 'v1/run'), join(overlayDir, 'run')].flatMap(namesIn),
    kept: () => namesIn(join(overlayDir, 'kept')),
    keptPath: (kept) => join(overlayDir, 'kept', kept),
    [Symbol.asyncDispose]: dispose,
  }
}

/** Without what tells a process that it runs under Vitest, or where the caller's own cache is. */
function cleanEnvironment(): Record<string, string | undefined> {
  const ours = /^(VITEST|VMIMAGE_|NODE_ENV$|NODE_OPTIONS$|TEST$|FORCE_COLOR$)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), NO_COLOR: '1' }
}

function observe(child: ChildProcess, results: string): RunningVitest {
  let output = ''
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (output += data.toString()))
  const closed = once(child, 'close')
  const ended = closed.then(([code, signal]: unknown[]) => ({
    // What Node documents for the event.
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    output,
    tests: existsSync(results) ? readResults(readFileSync(results, 'utf8')) : {},
  }))
  const said = async (pattern: RegExp) => {
    while (!pattern.test(output)) {
      const isOver = await Promise.race([
        once(child.stdout ?? child, 'data').then(() => false),
        once(child.stderr ?? child, 'data').then(() => false),
        closed.then(() => true),
      ])
      if (isOver && !pattern.test(output))
        throw new Error(`Vitest ended without saying ${pattern}:\n${output}`)
    }
  }
  return { child, said, ended }
}

interface JsonReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: TestResult['status']
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

function readResults(json: string): Record<string, TestResult> {
  const report = JSON.parse(json) as JsonReport // Vitest's json reporter
  return Object.fromEntries(
    report.testResults.flatMap(({ assertionResults }) =>
      assertionResults.map(({ fullName, status, failureMessages }) => [
        fullName,
        { status, message: failureMessages.join('\n') },
      ]),
    ),
  )
}

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}
