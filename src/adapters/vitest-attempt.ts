/**
 * Attempt: one try of one test, or the shared part of one file, as Vitest sees it: whose call it is, when it is over,
 * whether it failed.
 *
 * Vitest's own "current test" is one variable: among concurrent tests it names the one that started last. So the
 * setup file (vitest-setup.ts) runs each attempt in an AsyncLocalStorage. The variable serves only where that file is
 * not installed, and then nothing may be concurrent.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import * as vitest from 'vitest'
import { VmImageError } from '../errors.js'
import type { ImageInput } from '../request/request.js'
import type { KeptImage } from '../run/keep.js'
import { processWide } from '../run/process-wide.js'
import type { RunInfo } from '../run/run.js'
import { callText, Scope } from '../run/scope.js'
import { addToMessage, keptLine } from './kept-line.js'
import { noRun, outsideTest } from './refusals.js'

type Test = Readonly<vitest.RunnerTestCase>
type Task = Readonly<vitest.RunnerTask>

export interface Attempt {
  readonly scope: Scope
  /** True in afterEach and in what comes after it: a disk that is opened there serves nobody. */
  isOver(): boolean
  /** True when this one has ended and its test is at another try. */
  isPast(): boolean
  /** Throws what makes Vitest skip the test; in beforeAll all tests of the file. */
  skip(reason: string): void
  /** Deletes the disks, or keeps them and says where. */
  end(): Promise<void>
}

interface Shared {
  readonly storage: AsyncLocalStorage<Attempt>
  /** The last attempt of each test. */
  readonly attempts: WeakMap<Test, Attempt>
  /** Of the file that runs; where hooks share no AsyncLocalStorage (Vitest before 4.1). */
  file: Attempt | undefined
}

/** From 4.1 on. The annotation keeps the compiler from concluding that only its own Vitest exists. */
export const hasAroundHooks: boolean = 'aroundEach' in vitest

/** Vitest 4.1 moved it, and 5 removed the old place. */
const { getCurrentTest } = 'TestRunner' in vitest ? vitest.TestRunner : await import('vitest/suite')

/** What the setup file and the tests have in common. */
export function shared(): Shared {
  return processWide('vmimage.state.1', () => ({
    storage: new AsyncLocalStorage(),
    attempts: new WeakMap(),
    file: undefined,
  }))
}

/** Begins a try of a test. Whoever calls this sees to `end()`. */
export function beginAttempt(test: Test): Attempt {
  const errorsBefore = countErrors(test)
  const scope = new Scope({ name: nameOf(test), run: providedRun, timeoutMs: test.timeout, print })
  let endedAt: number | undefined
  const attempt: Attempt = {
    scope,
    // Not 'fail': a soft assertion sets that in the middle of a test. Nor in repeats, which begin in the old state.
    isOver: () => !test.repeats && ['pass', 'skip'].includes(test.result?.state ?? ''),
    isPast: () => endedAt !== undefined && endedAt !== countTries(test),
    skip: (reason) => {
      // The default reporter does not show the note of a test.
      print(`vmimage: skipped "${scope.name}": ${reason}`)
      test.context.skip(reason)
    },
    end: async () => {
      endedAt = countTries(test)
      const failed = countErrors(test) > errorsBefore && !test.fails
      await tell(await scope.close({ failed, attempt: endedAt }), test)
    },
  }
  shared().attempts.set(test, attempt)
  return attempt
}

/** Begins the part of a file that its tests share: what beforeAll opens lives until the last test. */
export function beginFile(file: Task): Attempt {
  const scope = new Scope({ name: file.name, run: providedRun, print })
  return {
    scope,
    isOver: () => false,
    isPast: () => false,
    skip: (reason) => {
      print(`vmimage: skipped ${file.name}: ${reason}`)
      const test = firstTest(file)
      if (test) throwSkip(test, reason)
    },
    end: async () => {
      const kept = await scope.close({ failed: hasFailed(file), attempt: 1 })
      for (const image of kept) console.error(keptLine(image))
    },
  }
}

/**
 * The attempt that a call of `useVmImage()` belongs to.
 *
 * With neither the setup file nor the context, a call that comes after the timeout of its test is taken for one of the
 * test that runs by then: Vitest's variable is all there is to go by.
 *
 * @throws VmImageError OUTSIDE_TEST, AMBIGUOUS_TEST.
 */
export function findAttempt(input: ImageInput, context: vitest.TestContext | undefined): Attempt {
  const { storage, file } = shared()
  if (context) return attemptOf(context.task)
  const entered = storage.getStore()
  if (entered && (hasAroundHooks || !entered.scope.isClosed)) return entered
  // Before 4.1 a test that has ended may still be entered in hooks of its file, and in what it left running itself.
  if (entered && file) return file
  const test = getCurrentTest<Test | undefined>()
  if (test && isConcurrent(test)) throw ambiguous(input)
  if (test) return attemptOf(test)
  if (file) return file
  throw outsideTest(input, 'a test, beforeEach, beforeAll or a fixture')
}

/**
 * Without the setup file an attempt begins with its first disk. One that has ended stays the test's until the next try:
 * a call that comes after a timeout is refused.
 */
function attemptOf(test: Test): Attempt {
  const known = shared().attempts.get(test)
  if (known && !known.isPast()) return known
  const attempt = beginAttempt(test)
  test.context.onTestFinished(() => attempt.end())
  return attempt
}

function providedRun(): RunInfo {
  const run = vitest.inject('vmimage')
  if (run) return run
  throw noRun('Add vmImages() from "vmimage/vitest/plugin" to plugins in vitest.config.')
}

function print(line: string): void {
  console.error(line)
}

/** In the error itself, which every reporter shows, and on the standard error, where Vitest adds the test's name. */
async function tell(kept: readonly KeptImage[], test: Test): Promise<void> {
  for (const image of kept) {
    console.error(keptLine(image))
    const error = test.result?.errors?.at(-1)
    if (error) addToMessage(error, keptLine(image))
    // Before 4.1 we end in onTestFinished, where Vitest 4.0 refuses artifacts of a test that failed; 3 has none at all.
    if (image.path === undefined || !hasAroundHooks) continue
    await vitest.recordArtifact(test, { type: 'vmimage:overlay', image: image.image, path: image.path })
  }
}

/** From 1. */
function countTries(test: Test): number {
  const { retryCount = 0, repeatCount = 0 } = test.result ?? {}
  return 1 + retryCount + repeatCount
}

function countErrors(test: Test): number {
  return test.result?.errors?.length ?? 0
}

/** What is thrown by a test's context counts in hooks as well, and any test has one: of its own result nothing is said. */
function throwSkip(test: Test, reason: string): void {
  const task: { result?: Test['result'] & { pending?: boolean } } = test
  const { result } = task
  try {
    test.context.skip(reason)
  } finally {
    if (result === undefined) delete task.result
    else delete result.pending
  }
}

function firstTest(task: Task): Test | undefined {
  if (!('tasks' in task)) return task
  for (const child of task.tasks) {
    const found = firstTest(child)
    if (found) return found
  }
  return undefined
}

function hasFailed(task: Task): boolean {
  return task.result?.state === 'fail' || ('tasks' in task && task.tasks.some(hasFailed))
}

/** A test inside of a concurrent suite is concurrent, whatever it says of itself. */
function isConcurrent(task: Task): boolean {
  return task.concurrent === true || (task.suite !== undefined && isConcurrent(task.suite))
}

function nameOf(task: Task): string {
  return task.file === task ? task.name : `${nameOf(task.suite ?? task.file)} > ${task.name}`
}

function ambiguous(input: ImageInput): VmImageError {
  return new VmImageError(
    'AMBIGUOUS_TEST',
    `${callText(input)} cannot tell which concurrent test called it.\n` +
      'Use the vmImages() plugin (or add "vmimage/vitest/setup" to setupFiles), or pass the context: ' +
      `${callText(input).slice(0, -1)}, { context }).`,
  )
}
