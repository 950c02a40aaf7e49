import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { runProgram } from '../src/program.js'
import { errorOf } from './support/error-of.js'
import { tempDir } from './support/temp-dir.js'

const never = new AbortController().signal

async function* bytes(...pieces: readonly string[]) {
  for (const piece of pieces) yield Buffer.from(piece)
}

async function* broken() {
  yield Buffer.from('a')
  throw new Error('the file went away')
}

async function outputOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}

function shell(script: string, signal: AbortSignal = never, stdin: AsyncIterable<Buffer> = bytes()) {
  return runProgram('sh', ['-c', script], { stdin, signal })
}

test('runProgram() passes bytes through', async () => {
  const output = runProgram('cat', [], { stdin: bytes('a', 'b'), signal: never })
  expect(await outputOf(output)).toBe('ab')
})

test('runProgram() passes on more than a pipe holds', async () => {
  const piece = 'x'.repeat(100_000)
  const output = runProgram('cat', [], {
    stdin: bytes(...Array.from({ length: 30 }, () => piece)),
    signal: never,
  })
  expect(await outputOf(output)).toHaveLength(3_000_000)
})

test('runProgram() returns what the program said on its standard error', async () => {
  const running = shell('echo out; echo said >&2')
  expect((await running.next()).value).toEqual(Buffer.from('out\n'))
  expect(await running.next()).toEqual({ done: true, value: 'said' })
})

test('A program that says more than a mebibyte on its standard error is killed', async () => {
  const running = shell('while echo 0123456789abcdef0123456789abcdef >&2; do :; done')
  expect((await errorOf(outputOf(running))).code).toBe('TOOL_FAILED')
})

test('A program that is not installed is an error that says how to install it', async () => {
  const running = runProgram('no-such-program', [], { stdin: bytes('a'), signal: never })
  const error = await errorOf(outputOf(running))
  expect(error.code).toBe('TOOL_MISSING')
  expect(error.message).toContain('\nInstall it, on Debian and Ubuntu with "apt install no-such-program".')
})

test('A program that fails is an error with its exit code and the last lines it said', async () => {
  const running = shell('for i in 1 2 3 4 5 6 7; do echo "line $i" >&2; done; exit 3')
  const error = await errorOf(outputOf(running))
  expect(error.code).toBe('TOOL_FAILED')
  expect(error.message).toContain('exit code 3')
  expect(error.message).toMatch(/It said: line 3\nline 4\nline 5\nline 6\nline 7$/)
})

test('Output of a program that fails later is handed out first', async () => {
  const running = shell('echo early; exit 1')
  expect((await running.next()).value?.toString()).toBe('early\n')
  expect((await errorOf(running.next())).code).toBe('TOOL_FAILED')
})

test('A program that is killed is an error that names the signal', async () => {
  expect((await errorOf(outputOf(shell('kill -KILL $$')))).message).toContain('killed by SIGKILL')
})

test('An error of the input is an error of the run', async () => {
  const error = await errorOf(outputOf(shell('cat', never, broken())))
  expect(error.code).toBe('TOOL_FAILED')
})

test('A program that does not read its input can still succeed', async () => {
  const pieces = Array.from({ length: 30 }, () => 'x'.repeat(100_000))
  expect(await outputOf(shell('echo done', never, bytes(...pieces)))).toBe('done\n')
})

test('An abort kills the program and is thrown with its reason', async () => {
  const controller = new AbortController()
  const reason = new Error('the user went home')
  const running = shell('echo $$; exec sleep 60', controller.signal)
  const pid = Number((await running.next()).value?.toString())
  controller.abort(reason)
  await expect(running.next()).rejects.toBe(reason)
  await expect.poll(() => isAlive(pid)).toBe(false)
})

test('An abort is heard by a program that has closed its output and goes on', async () => {
  const controller = new AbortController()
  const running = shell('echo $$; exec >&- 2>&-; exec sleep 60', controller.signal)
  const pid = Number((await running.next()).value?.toString())
  const ending = expect(running.next()).rejects.toMatchObject({ name: 'AbortError' })
  await expect.poll(() => existsSync(`/proc/${pid}/fd/1`)).toBe(false)
  // Until the end of its output has been read here too.
  for (let turn = 0; turn < 100; turn += 1) await setImmediate()
  controller.abort()
  await ending
  await expect.poll(() => isAlive(pid)).toBe(false)
})

test('A program that this user may not run is an error with what the system says', async () => {
  await using directory = await tempDir()
  const program = join(directory.path, 'program')
  writeFileSync(program, 'no program', { mode: 0o644 })
  for (const path of [program, join(program, 'below-a-file')]) {
    const error = await errorOf(outputOf(runProgram(path, [], { stdin: bytes(), signal: never })))
    expect(error.code).toBe('TOOL_FAILED')
    expect(error.message).toMatch(/^Cannot start ".*": spawn .*E(?:ACCES|NOTDIR)/)
  }
})

test('A program whose output is not read to the end is killed', async () => {
  const running = shell('echo $$; exec sleep 60')
  const pid = Number((await running.next()).value?.toString())
  await running.return('')
  await expect.poll(() => isAlive(pid)).toBe(false)
})

test('An aborted signal starts nothing', async () => {
  const running = shell('echo', AbortSignal.abort())
  await expect(outputOf(running)).rejects.toMatchObject({ name: 'AbortError' })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // ESRCH
  }
}
