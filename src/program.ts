/**
 * Programs: runs an installed program as a filter, bytes in and bytes out. With Node's own spawn(): execa is an ES
 * module, which a test under Jest cannot load.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers'
import { currentEnvironment } from './environment.js'
import { systemErrorCode, VmImageError } from './errors.js'

export interface ProgramOptions {
  /** What the program reads. It is pulled only as fast as the program takes it. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** Kills the program. */
  readonly signal: AbortSignal
}

interface ProgramEnd {
  readonly command: string
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
  /** Of feeding it. */
  readonly cause: unknown
}

/** A program that says more on its standard error is killed. Data that others made can make it say anything. */
const maxStderrBytes = 2 ** 20

/** What ignores SIGTERM for so long is killed. */
const patienceMs = 1000

/** How many lines of standard error a message quotes: the last ones say what happened. */
const stderrLines = 5

/** Debian's packages of the programs that are not called like them. */
const packages: Readonly<Record<string, string>> = { xz: 'xz-utils', 'qemu-img': 'qemu-utils' }

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
  const child = await start(program, args)
  const kill = () => {
    child.kill()
    setTimeout(() => child.kill('SIGKILL'), patienceMs).unref()
  }
  const ended = once(child, 'close')
  const said = readUpTo(maxStderrBytes, child.stderr, kill)
  let cause: unknown
  const fed = pipeline(stdin, child.stdin).catch((error: unknown) => {
    // A program need not read all that it is given.
    if (['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(systemErrorCode(error) ?? '')) return
    cause = error
    kill()
  })
  signal.addEventListener('abort', kill, { once: true })
  let isOver = false
  try {
    yield* child.stdout
    // It may go on after it has closed its output, and must still hear of an abort.
    await ended
    isOver = true
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    if (!isOver) kill()
    signal.removeEventListener('abort', kill)
  }
  child.stdin.destroy()
  await fed
  signal.throwIfAborted()
  const stderr = (await said).trimEnd()
  const { exitCode, signalCode } = child
  if (exitCode !== 0 || cause !== undefined) {
    throw failed({ command: [program, ...args].join(' '), exitCode, signal: signalCode, stderr, cause })
  }
  return stderr
}

/** @throws VmImageError TOOL_MISSING, TOOL_FAILED; what the system says of it is in the message and the cause. */
async function start(program: string, args: readonly string[]): Promise<ChildProcessWithoutNullStreams> {
  try {
    const child = spawn(program, args, { env: { ...currentEnvironment(), LC_ALL: 'C' } })
    // Without a pid the event 'error' comes, and the streams may be missing.
    if (child.pid === undefined) await once(child, 'spawn')
    return child
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw missing(program)
    const found = error instanceof Error ? error.message : String(error)
    throw new VmImageError(
      'TOOL_FAILED',
      `Cannot start "${program}": ${found}, expected a program that this user may run.\nLook at it with: ls -l "$(command -v ${program})"`,
      { cause: error },
    )
  }
}

/**
 * Runs a program that reads no input, and hands on what it prints meanwhile.
 *
 * @throws what runProgram() does.
 */
export async function runQuietly(
  program: string,
  args: readonly string[],
  { signal, onOutput }: { readonly signal: AbortSignal; readonly onOutput?: (text: string) => void },
): Promise<void> {
  for await (const chunk of runProgram(program, args, { stdin: nothing(), signal })) {
    onOutput?.(chunk.toString('latin1'))
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // The program reads no input.
}

/** All of it as a text; what exceeds `maxBytes` is thrown away, and `onTooMuch` is called. */
async function readUpTo(
  maxBytes: number,
  stream: AsyncIterable<Buffer>,
  onTooMuch: () => void,
): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stream) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) onTooMuch()
    else chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function missing(program: string): VmImageError {
  return new VmImageError(
    'TOOL_MISSING',
    `Cannot run "${program}": it is not installed, and this step needs it.\n` +
      `Install it, on Debian and Ubuntu with "apt install ${packages[program] ?? program}".`,
  )
}

function failed(end: ProgramEnd): VmImageError {
  const how = end.signal === null ? `exit code ${end.exitCode}` : `killed by ${end.signal}`
  const said = end.stderr.trim().split('\n').slice(-stderrLines).join('\n')
  return new VmImageError(
    'TOOL_FAILED',
    `Cannot finish "${end.command}": ${how}, expected exit code 0.\n` +
      (said === '' ? 'It said nothing on its standard error.' : `It said: ${said}`),
    { cause: end.cause },
  )
}
