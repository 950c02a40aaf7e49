/**
 * useVmImage for Node's own test runner: a fresh disk for the test that calls it. Deleted after the test, kept when it
 * failed. Node runs each test file in a process of its own; each has a run of its own, and all share the cache.
 */
import { once } from 'node:events'
import { basename } from 'node:path'
import * as nodeTest from 'node:test'
import { setImmediate } from 'node:timers/promises'
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
  readonly name: string
  readonly fullName: string
  readonly signal: AbortSignal
  readonly passed?: boolean
  readonly error?: unknown
  after(undo: () => void | Promise<void>): void
  todo(reason: string): void
}

/** No context: that of a suite has a name, as an image has, and would pass for one. */
export type ImageAlone =
  | string
  | (Exclude<ImageInput, string> & { readonly after?: never; readonly signal?: never })

type Call =
  | [image: ImageInput, options?: OpenOptions | undefined]
  | [context: NodeTestContext, image: ImageInput, options?: OpenOptions | undefined]

/**
 * Opens a fresh qcow2 overlay for the current test, which lives until the test and its hooks are over. What is opened in
 * `before()`, or outside of any test, lives until the end of the file, and is kept when anything in the file failed.
 *
 * An image that the cache does not have is downloaded: run `npx vmimage fetch` before the tests, and none waits for it.
 *
 * The context of the test comes first. Without it Node says whose a call is, but nobody can say that the test is over: a
 * call that comes too late gets a disk, and a test whose image cannot be had fails, where `onUnavailable` says to skip.
 *
 * @throws VmImageError TEST_FINISHED when the test of the given context is over; or what keeps the image away.
 * @example
 * test('boots', async (t) => {
 *   const image = await useVmImage(t, 'fedora')
 *   await boot(image.path)
 * })
 */
export function useVmImage(
  context: NodeTestContext,
  image: ImageInput,
  options?: OpenOptions,
): Promise<VmImage>
export function useVmImage(image: ImageAlone, options?: OpenOptions): Promise<VmImage>
export async function useVmImage(...call: Call): Promise<VmImage> {
  const [context, image, options = {}] = isWithContext(call) ? call : [undefined, ...call]
  if (context?.signal.aborted) throw testFinished(image, nameOf(context))
  // Before the first wait: a test that runs out of time must still find what it has to undo.
  const scope = context ? scopeOf(context) : scopeOfCaller()
  const run = await onDemandRun()
  try {
    await run.add({ images: [image], strict: true })
    return await scope.open(image, options)
  } catch (error) {
    // The fetch is all tests' and goes on; this one's end is what its caller has to hear.
    if (scope.signal.aborted) throw testFinished(image, scope.name)
    const reason = await scope.skipReason(error)
    // A test that is skipped and then throws ends the run with 1; of one that is still to do, Node expects no more.
    if (reason !== undefined) context?.todo(reason)
    throw error
  }
}

/** Those that no test has ended. */
const open = new Set<Scope>()
let ending: Promise<void> | undefined

/** All disks that a test opens by its context are kept, and counted, as one test's. */
const scopes = new WeakMap<NodeTestContext, Scope>()

function scopeOf(context: NodeTestContext): Scope {
  const known = scopes.get(context)
  if (known) return known
  const scope = makeScope(nameOf(context))
  scopes.set(context, scope)
  if (!isFile(context)) context.after(() => end(scope, context))
  return scope
}

function scopeOfCaller(): Scope {
  const scope = makeScope(fileName())
  nodeTest.after((place: unknown) => endWhenOver(scope, place))
  return scope
}

function makeScope(name: string): Scope {
  const run = onDemandRun()
  const scope = new Scope({ name, run: async () => (await run).info, print })
  // Nobody waits for the end of the process: if that fails, Node says so and the file fails.
  ending ??= atEndOfFile(endAll)
  open.add(scope)
  return scope
}

function isWithContext(call: Call): call is Extract<Call, [NodeTestContext, ...unknown[]]> {
  return isContext(call[0])
}

function isContext(value: unknown): value is NodeTestContext {
  return typeof value === 'object' && value !== null && 'after' in value && typeof value.after === 'function'
}

/**
 * A hook has an end of its own, before that of its test: what beforeEach() opened is the test's. Where the place is no
 * test, the disk is the file's.
 */
async function endWhenOver(scope: Scope, place: unknown): Promise<void> {
  if (!isContext(place) || isFile(place)) return
  if (place.passed || place.error) return end(scope, place)
  place.after(() => end(scope, place))
}

/** What Node has around all tests of a file: its context has no full name to ask for. */
function isFile({ name }: NodeTestContext): boolean {
  return name === '<root>'
}

function nameOf(context: NodeTestContext): string {
  return isFile(context) ? fileName() : context.fullName
}

async function end(scope: Scope, { fullName, passed, error }: NodeTestContext): Promise<void> {
  open.delete(scope)
  const kept = await scope.close({ test: fullName, failed: passed === false && error !== null, attempt: 1 })
  for (const image of kept) {
    print(keptLine(image))
    addToCause(error, keptLine(image))
  }
}

/** The disks that are the file's: when it has failed is known by the exit code that Node has chosen for it. */
async function endAll(): Promise<void> {
  const failed = process.exitCode !== undefined && process.exitCode !== 0
  for (const scope of open) {
    open.delete(scope)
    for (const image of await scope.close({ failed, attempt: 1 })) print(keptLine(image))
  }
}

/**
 * When all tests and hooks are over. An `after()` of ours would run before those of the file, and before Node knows what
 * failed. When there is nothing to do for the first time Node may only begin to end its tests; at the second it has.
 */
async function atEndOfFile(act: () => Promise<void>): Promise<void> {
  await once(process, 'beforeExit')
  await setImmediate()
  await once(process, 'beforeExit')
  await act()
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
