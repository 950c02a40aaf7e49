/**
 * Attempt: one try of one test, or what the tests of one describe() share, as Jest's runner tells of them: whose call it
 * is, when it is over, whether it failed.
 *
 * The events are the only thing that knows all of this. Hooks of ours would run before those of the test file, not at
 * all for concurrent tests, and without the result.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { relative } from 'node:path'
import type { KeptImage } from '../run/keep.js'
import { findHandedRun } from '../run/handed-run.js'
import { processWide } from '../run/process-wide.js'
import type { RunInfo } from '../run/run.js'
import { Scope } from '../run/scope.js'
import {
  addToLastError,
  type CircusEvent,
  circusHandlers,
  circusPath,
  type CircusTest,
  type DescribeBlock,
  hasFailed,
  skip,
} from './jest-circus.js'
import { keptLine } from './kept-line.js'
import { noRun } from './refusals.js'

export interface Attempt {
  readonly scope: Scope
  /** True in afterEach and afterAll: a disk that is opened there serves nobody. */
  isOver: boolean
  /** What useVmImage() threw for want of a network; a test that failed of nothing else is skipped. */
  readonly unavailable: Set<unknown>
}

interface Shared {
  readonly storage: AsyncLocalStorage<Attempt>
  readonly attempts: Map<CircusTest | DescribeBlock, Attempt>
  /** Errors for want of a network in this file; those of beforeAll come back in each test. */
  readonly unavailable: Set<unknown>
  isTold: boolean
  /** True: the runner tells since a call in a test, and has not told of a test since. */
  isLate: boolean
}

/**
 * In each test file anew, as Jest gives each a global object of its own. Who asks before the runner is there (a file of
 * `setupFiles`) is told of nothing yet, and may ask again.
 */
export function shared(): Shared {
  const state = processWide<Shared>('vmimage.jest.1', () => ({
    storage: new AsyncLocalStorage(),
    attempts: new Map(),
    unavailable: new Set(),
    isTold: false,
    isLate: false,
  }))
  state.isTold ||= tellMe((event) => onEvent(event, state))
  return state
}

/** First of all: only the first handler runs before the runner has left the place in which the test will run. */
function tellMe(handler: (event: CircusEvent) => void | Promise<void>): boolean {
  const handlers = circusHandlers()
  handlers?.unshift(handler)
  return handlers !== undefined
}

function onEvent(event: CircusEvent, state: Shared): void | Promise<void> {
  switch (event.name) {
    case 'hook_start':
      return onHook(event.hook, state)
    case 'test_start':
      state.isLate = false
      return state.storage.enterWith(begin(event.test, event.test.timeout, state))
    case 'test_fn_success':
    case 'test_fn_failure':
      return endBody(event.test, state)
    case 'test_done':
      return endTest(event.test, state)
    // These have begun as well, and no other end of theirs is told of.
    case 'test_skip':
    case 'test_todo':
      return void state.attempts.delete(event.test)
    case 'run_describe_finish':
      return endDescribe(event.describeBlock, state)
  }
}

function onHook({ type, parent }: Extract<CircusEvent, { name: 'hook_start' }>['hook'], state: Shared): void {
  if (type !== 'beforeAll' && type !== 'afterAll') return
  const attempt = state.attempts.get(parent) ?? begin(parent, undefined, state)
  attempt.isOver = type === 'afterAll'
  state.storage.enterWith(attempt)
}

function begin(place: CircusTest | DescribeBlock, timeoutMs: number | undefined, state: Shared): Attempt {
  const scope = new Scope({ name: nameOf(place), run: handedRun, timeoutMs, print })
  const attempt: Attempt = { scope, isOver: false, unavailable: state.unavailable }
  state.attempts.set(place, attempt)
  return attempt
}

function endBody(test: CircusTest, { attempts }: Shared): void {
  const attempt = attempts.get(test)
  if (attempt) attempt.isOver = true
}

async function endTest(test: CircusTest, { attempts, unavailable }: Shared): Promise<void> {
  const attempt = attempts.get(test)
  attempts.delete(test)
  const thrown = test.errors.flatMap((error) => [error].flat().slice(0, 1))
  const isSkipped = thrown.length > 0 && thrown.every((error) => unavailable.has(error))
  const failed = test.errors.length > 0 && !isSkipped
  try {
    tell((await attempt?.scope.close({ failed, attempt: test.invocations })) ?? [], test)
  } catch (error) {
    // The runner catches nothing here: the whole file would be broken, and not this test.
    test.errors.push(error)
    return
  }
  if (isSkipped) skip(test)
}

async function endDescribe(describe: DescribeBlock, { attempts }: Shared): Promise<void> {
  const attempt = attempts.get(describe)
  attempts.delete(describe)
  try {
    const kept = await attempt?.scope.close({ failed: hasFailed(describe), attempt: 1 })
    for (const image of kept ?? []) print(keptLine(image))
  } catch (error) {
    // As above, and there is no test that could fail of it any more.
    print(`vmimage: the disks of "${attempt?.scope.name}" could not be kept: ${String(error)}`)
  }
}

/** In the error itself, and on the standard error. */
function tell(kept: readonly KeptImage[], test: CircusTest): void {
  for (const image of kept) {
    print(keptLine(image))
    addToLastError(test, keptLine(image))
  }
}

/** Not by the console of Jest, which puts its place in the code around each line. */
export function print(line: string): void {
  process.stderr.write(`${line}\n`)
}

function handedRun(): RunInfo {
  const run = findHandedRun()
  if (run) return run
  throw noRun('Add globalSetup: "vmimage/jest/global-setup" to jest.config.')
}

function nameOf(place: CircusTest | DescribeBlock): string {
  return [relative(process.cwd(), testFile()), ...circusPath(place)].join(' > ')
}

/** Jest's expect knows it; where `injectGlobals` is off, nobody does. */
function testFile(): string {
  const { expect } = globalThis as { expect?: { getState?: () => { testPath?: string } } } // Jest's, if it is there
  return expect?.getState?.().testPath ?? ''
}
