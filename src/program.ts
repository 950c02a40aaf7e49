/**
 * Programs: runs an installed program as a filter, bytes in and bytes out. The door of execa, which is imported when
 * the first program is run.
 */
import { VmImageError } from './errors.js'

export interface ProgramOptions {
  /** What the program reads. It is pulled only as fast as the program takes it. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** Kills the program. */
  readonly signal: AbortSignal
}

interface ProgramEnd {
  readonly command: string
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly stderr: Uint8Array
  readonly cause?: unknown
}

/** A program that says more on its standard error is killed. Data that others made can make it say anything. */
const maxStderrBytes = 2 ** 20

/** How many lines of standard error a message quotes: the last ones say what happened. */
const stderrLines = 5

/** Debian's packages of the programs that are not called like them. */
const packages: Readonly<Record<string, string>> = { xz: 'xz-utils' }

/**
 * What the program writes to its standard output, as it comes. A caller that stops reading early kills it.
 *
 * @returns at the end, what it wrote to its standard error.
 * @throws VmImageError TOOL_MISSING when it is not installed, TOOL_FAILED when it ends in any other way than with
 * exit code 0; both after the last piece of output.
 */
export async function* runProgram(
  program: string,
  args: readonly string[],
  { stdin, signal }: ProgramOptions,
): AsyncGenerator<Buffer, string, undefined> {
  signal.throwIfAborted()
  const { execa } = await import('execa')
  const child = execa(program, args, {
    stdin: [stdin],
    encoding: 'buffer',
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: maxStderrBytes },
    env: { LC_ALL: 'C' },
    cancelSignal: signal,
    forceKillAfterDelay: 1000,
    reject: false,
  })
  let isRead = false
  try {
    yield* child.stdout
    isRead = true
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    if (!isRead) child.kill()
  }
  const result = await child
  signal.throwIfAborted()
  if (result.code === 'ENOENT') throw missing(program)
  if (result.failed) throw failed(result)
  return textOf(result.stderr)
}

function missing(program: string): VmImageError {
  return new VmImageError(
    'TOOL_MISSING',
    `Cannot run "${program}": it is not installed, and this step needs it.\n` +
      `Install it, on Debian and Ubuntu with "apt install ${packages[program] ?? program}".`,
  )
}

function failed(end: ProgramEnd): VmImageError {
  const how = end.signal === undefined ? `exit code ${end.exitCode}` : `killed by ${end.signal}`
  const said = textOf(end.stderr).trim().split('\n').slice(-stderrLines).join('\n')
  return new VmImageError(
    'TOOL_FAILED',
    `Cannot finish "${end.command}": ${how}, expected exit code 0.\n` +
      (said === '' ? 'It said nothing on its standard error.' : `It said: ${said}`),
    { cause: end.cause },
  )
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
