/**
 * What we know of jest-circus, Jest's runner: its events, and the list of those who are told of them. Since 30.0 the
 * list is one, in `globalThis[Symbol.for('EVENT_HANDLERS')]`, for the runner and for the code of tests; before, tests
 * had a copy that nobody filled. `addEventHandler` of jest-circus is documented, that it reaches tests is not.
 *
 * Source: packages/jest-circus/src/{types,state,run}.ts of Jest 30.0 and 30.5, read 2026-11.
 */
import { addToError } from './kept-line.js'

export interface DescribeBlock {
  readonly name: string
  readonly parent?: DescribeBlock | undefined
  readonly children: readonly (DescribeBlock | CircusTest)[]
}

export interface CircusTest {
  readonly name: string
  readonly parent: DescribeBlock
  /** What was thrown, alone or with the error that knows the place. Emptied before a retry. */
  errors: unknown[]
  /** How often it was tried, this time included. */
  readonly invocations: number
  /** In milliseconds, where the test has one of its own. */
  readonly timeout?: number | undefined
}

interface CircusHook {
  readonly type: 'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll'
  readonly parent: DescribeBlock
}

/** Those of its events that matter here; there are others. */
export type CircusEvent =
  | { readonly name: 'run_describe_finish'; readonly describeBlock: DescribeBlock }
  | { readonly name: 'hook_start'; readonly hook: CircusHook }
  | {
      readonly name:
        | 'test_start'
        | 'test_skip'
        | 'test_todo'
        | 'test_fn_success'
        | 'test_fn_failure'
        | 'test_done'
      readonly test: CircusTest
    }

/** Jest waits for what it returns. */
export type CircusHandler = (event: CircusEvent) => void | Promise<void>

/** The list that the runner of this test file goes through at each event; undefined where nobody shares one. */
export function circusHandlers(): CircusHandler[] | undefined {
  const handlers: unknown = Reflect.get(globalThis, Symbol.for('EVENT_HANDLERS'))
  return Array.isArray(handlers) ? (handlers as CircusHandler[]) : undefined // see above
}

/** The names from the outermost describe() to the test; the block around all has none of its own. */
export function circusPath(place: DescribeBlock | CircusTest): readonly string[] {
  return place.parent === undefined ? [] : [...circusPath(place.parent), place.name]
}

export function hasFailed(place: DescribeBlock | CircusTest): boolean {
  return 'errors' in place ? place.errors.length > 0 : place.children.some(hasFailed)
}

/** Adds a line to what the test threw last. Of a timeout Jest has a text, and the error beside it knows the place. */
export function addToLastError(test: CircusTest, line: string): void {
  const last = test.errors.at(-1)
  const [thrown, place]: readonly unknown[] = Array.isArray(last) ? last : [last]
  if (typeof thrown === 'string') test.errors.splice(-1, 1, [`${thrown}\n\n${line}`, place])
  else addToError(thrown, line)
}

/**
 * Makes of a test that has thrown one that was skipped. Jest has nothing for this once a test runs; its own handler
 * comes after ours and would write that the test is done.
 */
export function skip(test: CircusTest): void {
  test.errors = []
  Object.defineProperty(test, 'status', {
    get: () => 'skip',
    set() {
      // Stays skipped.
    },
    configurable: true,
  })
}
