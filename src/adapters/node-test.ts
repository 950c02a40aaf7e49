/**
 * useVmImage for Node's own test runner: a fresh disk for the test that calls it. Deleted after the test, kept when it
 * failed. Node runs each test file in a process of its own; each has a run of its own, and all share the cache.
 */
import { basename } from 'node:path'
import * as nodeTest from 'node:test'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import { type OpenOptions, Scope, testFinished } from '../run/scope.js'
import { addToError, keptLine } from './kept-line.js'
import { onDemandRun } from './on-demand-run.js'

export type { VmImage } from '../image/vm-image.js'
export type { ImageInput } from '../request/request.js'
export type { OpenOptions as UseVmImageOptions } from '../run/scope.js'

/** What is used of Node's `TestContext`; its result is there since 20.12, and in no type of that version. */
export interface NodeTestContext {
  readonly fullName: string
  readonly signal: AbortSignal
  readonly passed?: boolean
  readonly error?: unknown
  after(undo: () => void | Promise<void>): void
  skip(reason: string): void
}

type Call =
  | readonly [image: ImageInput, options?: OpenOptions]
  | readonly [context: NodeTestContext, image: ImageInput, options?: OpenOptions]

/**
 * Opens a fresh qcow2 overlay for the current test, which lives until the test and its hooks are over. What is opened in
 * `before()`, or outside of any test, lives until the end of the file.
 *
 * An image that the cache does not have is downloaded: run `npx vmimage fetch` before the tests, and none waits for it.
 * The context of the test may come first; a test whose image cannot be had is skipped only with it.
 *
 * @throws VmImageError TEST_FINISHED when the test of the given context is over; or what keeps the image away.
 * @example
 * test('boots', async (t) => {
 *   const image = await useVmImage(t, 'fedora')
 *   await boot(image.path)
 * })
 */
export async function useVmImage(...call: Call): Promise<VmImage> {
  const [context, image, options = {}] = isWithContext(call) ? call : [undefined, ...call]
  if (context?.signal.aborted) throw testFinished(image, context.fullName)
  const starting = onDemandRun()
  const scope = new Scope({
    name: context?.fullName ?? fileName(),
    run: async () => (await starting).info,
    print,
  })
  // Before the first wait: a test that runs out of time must still find what it has to undo.
  if (context) context.after(() => end(scope, context))
  else nodeTest.after((place: unknown) => endWhenOver(scope, place))
  const run = await starting
  try {
    await run.add({ images: [image], strict: true })
    return await scope.open(image, options)
  } catch (error) {
    const reason = await scope.skipReason(error)
    if (reason !== undefined) context?.skip(reason)
    throw error
  }
}

function isWithContext(call: Call): call is Extract<Call, readonly [NodeTestContext, ...unknown[]]> {
  return isContext(call[0])
}

function isContext(value: unknown): value is NodeTestContext {
  return typeof value === 'object' && value !== null && 'after' in value && typeof value.after === 'function'
}

/**
 * A hook has an end of its own, before that of its test: what beforeEach() opened is the test's. Where the place is no
 * test, the disk goes with the process.
 */
async function endWhenOver(scope: Scope, place: unknown): Promise<void> {
  if (!isContext(place)) return
  if (place.passed || place.error) return end(scope, place)
  place.after(() => end(scope, place))
}

async function end(scope: Scope, { fullName, passed, error }: NodeTestContext): Promise<void> {
  const kept = await scope.close({ test: fullName, failed: passed === false && error !== null, attempt: 1 })
  for (const image of kept) {
    print(keptLine(image))
    addToCause(error, keptLine(image))
  }
}

/** Node wraps what a test threw, and shows what it wrapped: an error, or its own text of a timeout. */
function addToCause(error: unknown, line: string): void {
  if (!(error instanceof Error)) return
  if (typeof error.cause === 'string') error.cause = `${error.cause}\n\n${line}`
  else addToError(error.cause, line)
}

function fileName(): string {
  return basename(process.argv[1] ?? '')
}

function print(line: string): void {
  console.error(line)
}
