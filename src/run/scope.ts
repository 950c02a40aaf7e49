/**
 * Scope: the disks that one test (or the shared part of one file) opened, and their end. Everything that the adapters
 * have in common is here; an adapter only says who the current test is, when it is over, and whether it failed.
 *
 * Each test file loads this anew, so what is needed only for a disk comes with the first disk.
 */
import type { KeepPolicy } from '../options.js'
import { isForWantOfNetwork, VmImageError } from '../errors.js'
import type { KeepableImage } from '../image/kept-directory.js'
import type { VmImage } from '../image/vm-image.js'
import type { ImageInput } from '../request/request.js'
import type { KeptImage } from './keep.js'
import type { RunInfo } from './run.js'

export interface ScopeOptions {
  /** The test, as people know it: `boots.test.ts > fedora > boots`. */
  readonly name: string
  /** The run this test belongs to; asked at the first image. It throws NO_RUN when there is none. */
  readonly run: () => RunInfo | Promise<RunInfo>
  /** How long the test may take, for the message of an image that would have to be downloaded. Default: not known. */
  readonly timeoutMs?: number | undefined
  /** Shows people a line: what is odd about a file of the user's own that nobody listed. Default: nobody is told. */
  readonly print?: ((line: string) => void) | undefined
}

export interface OpenOptions {
  /** Virtual size of the disk, in bytes or as `'20G'`; at least the base image's. Default: the base image's. */
  readonly size?: string | number | undefined
  /** False: plain clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
  /** When the disk outlives its test. Default: what the run says, `'on-failure'` if nothing else was set. */
  readonly keep?: KeepPolicy | undefined
}

interface OpenedImage extends KeepableImage {
  readonly keep: KeepPolicy
}

export interface TestEnd {
  /** Its name, where that was not known from the beginning. Default: the scope's. */
  readonly test?: string | undefined
  readonly failed: boolean
  /** Which try of the test this was, from 1. */
  readonly attempt: number
}

export class Scope {
  readonly name: string
  readonly #run: () => RunInfo | Promise<RunInfo>
  readonly #timeoutMs: number | undefined
  readonly #print: (line: string) => void
  /** Made when somebody opens a disk: most tests do not, and each would pay for it. */
  #end: AbortController | undefined
  #isClosed = false
  readonly #opened: OpenedImage[] = []

  constructor(options: ScopeOptions) {
    this.name = options.name
    this.#run = options.run
    this.#timeoutMs = options.timeoutMs
    this.#print = options.print ?? (() => undefined)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Aborted when the scope closes: whatever works for the test must stop then. */
  get signal(): AbortSignal {
    this.#end ??= new AbortController()
    if (this.#isClosed) this.#end.abort()
    return this.#end.signal
  }

  /**
   * A fresh disk that lives as long as this scope. It is made without a wait after the last look at the scope's end, so
   * nothing is in flight that a timeout could leave behind.
   *
   * @throws TypeError for an option that there is not, or a value that means nothing.
   * @throws VmImageError TEST_FINISHED, NO_RUN, NOT_CACHED, UNKNOWN_SYSTEM, or what kept the image away before the
   * tests; for a plain file what `prepareFile()` throws.
   */
  async open(input: ImageInput, options: OpenOptions = {}): Promise<VmImage> {
    if (this.#isClosed) throw testFinished(input, this.name)
    const run = await this.#run()
    const { checkOptions, findBase, openDisk } = await import('./disk.js')
    checkOptions(options)
    const { keep = run.keep, size, extendedL2 } = options
    const wanted = { timeoutMs: this.#timeoutMs, print: this.#print, signal: this.signal }
    const prepared = await findBase(input, run, wanted).catch((error: unknown) => {
      // Whatever the end of the test broke off: that it ended is what the caller has to hear.
      throw this.#isClosed ? testFinished(input, this.name) : error
    })
    if (this.#isClosed) throw testFinished(input, this.name)
    const image = openDisk(prepared, {
      directory: run.overlayDir,
      keeping: {
        keptDir: run.keptDir,
        session: run.session,
        makeRoom: async () => (await import('./keep.js')).makeRoomForKept(run),
      },
      warn: this.#print,
      size,
      extendedL2,
      test: this.name,
    })
    this.#opened.push({ image, leaseDir: prepared.base.leaseDir, keep })
    return image
  }

  /**
   * Why a test that ends with this error shall be skipped; undefined when it shall fail. For want of a network only: what
   * is wrong in itself stays a failure.
   */
  async skipReason(error: unknown): Promise<string | undefined> {
    if (!isForWantOfNetwork(error)) return undefined
    const { onUnavailable } = await this.#run()
    return onUnavailable === 'skip' ? error.message.split('\n', 1)[0] : undefined
  }

  /** Deletes the disks, or moves those that shall be kept to where they stay. Idempotent. */
  async close({ test = this.name, failed, attempt }: TestEnd): Promise<readonly KeptImage[]> {
    this.#isClosed = true
    this.#end?.abort()
    const opened = this.#opened.splice(0)
    if (opened.length === 0) return []
    const isWanted = ({ keep }: OpenedImage) => keep === 'always' || (keep === 'on-failure' && failed)
    const { familyOf, keptByWish } = await import('./disk.js')
    try {
      const keeping = opened.some(isWanted)
        ? { ...(await import('./keep.js')), run: await this.#run() }
        : undefined
      // Not before the last wait: what was forked until now lives and is kept as the disk itself.
      const disks = opened.flatMap(({ image, ...rest }) =>
        familyOf(image).map((member) => ({ ...rest, image: member })),
      )
      const wished = keptByWish(disks)
      if (keeping === undefined) return wished
      const wanted = disks.filter(isWanted)
      return [...wished, ...keeping.keepImages(wanted, { test, attempt, failed }, keeping.run)]
    } finally {
      const disks = opened.flatMap(({ image }) => familyOf(image))
      await Promise.all(disks.map((image) => image.dispose()))
    }
  }
}

/** The call, short, for messages: `useVmImage('fedora')`. */
export function callText(input: ImageInput): string {
  const name =
    typeof input === 'string' ? input : (input.name ?? input.provider?.name ?? input.url ?? input.path)
  return `useVmImage(${name === undefined ? '' : `'${name}'`})`
}

export function testFinished(input: ImageInput, test: string): VmImageError {
  return new VmImageError(
    'TEST_FINISHED',
    `${callText(input)} was called after the test "${test}" finished (did it time out?).\n` +
      'Call it in the test or in beforeEach, and await all that the test starts.',
  )
}
