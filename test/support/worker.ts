/**
 * A child process that runs a piece of code on the sources of the package, says lines on its standard output, and
 * can be killed at any of them: how the tests make processes die in the middle of things.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Worker extends AsyncDisposable {
  readonly pid: number
  /** Resolves with the first line (said already, or to come) that matches; rejects when the process ends without it. */
  line(pattern: RegExp): Promise<string>
  kill(signal: NodeJS.Signals): void
  /** Resolves when the process has ended. */
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly output: () => string
}

const root = new URL('../../', import.meta.url)

/**
 * Starts `code`, an ES module in TypeScript's erasable syntax. `source('store/lock.ts')` in it is an import of a
 * file of the package.
 */
export function startWorker(code: string, env: Readonly<Record<string, string>> = {}): Worker {
  const source = `const source = (path) => import(new URL('src/' + path, ${JSON.stringify(root.href)}).href)\n`
  const child = spawn(
    process.execPath,
    [
      '--import',
      new URL('node_modules/tsx/dist/loader.mjs', root).href,
      '--input-type=module',
      '--eval',
      source + code,
    ],
    { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const said: string[] = []
  const noise: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => said.push(line))
  child.stderr.on('data', (data: Buffer) => noise.push(data.toString()))
  const ended = waitForEnd(child)
  return {
    pid: child.pid ?? 0,
    kill: (signal) => child.kill(signal),
    ended: () => ended,
    output: () => [...said, ...noise].join('\n'),
    line: async (pattern) => {
      for (;;) {
        const match = said.find((line) => pattern.test(line))
        if (match !== undefined) return match
        const hasEnded = await Promise.race([once(lines, 'line').then(() => false), ended.then(() => true)])
        const last = said.find((line) => pattern.test(line))
        if (last !== undefined) return last
        if (hasEnded)
          throw new Error(
            `The worker ended without a line like ${pattern}:\n${said.join('\n')}\n${noise.join('')}`,
          )
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function waitForEnd(child: ChildProcess) {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null] // of a child's 'close' event
  return { code, signal }
}
