/**
 * A framework as a child process in a process group of its own, as a terminal has it: so Ctrl-C can reach all of it. Its
 * output goes to a file, because a pipe would stay open for as long as an orphan lives.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface ChildEnd {
  /** `exit 1`, `SIGTERM`, or that it had to be killed. */
  readonly how: string
  readonly output: string
}

export interface Child {
  readonly pid: number
  readonly ended: Promise<ChildEnd>
  output(): string
  /** To the main process alone. */
  kill(signal: NodeJS.Signals): void
  /** To all processes, as a terminal does. */
  killGroup(signal: NodeJS.Signals): void
  /** Resolves when `find` finds something; undefined when the process ends before. */
  until<T>(find: () => T | undefined): Promise<T | undefined>
  /** Processes that it or its children started and that still are. */
  survivors(): readonly number[]
  killSurvivors(): void
}

const marker = 'MATRIX_CHILD'
const limitMs = 90_000
const running = new Set<Child>()

process.on('exit', () => {
  for (const child of running) child.killSurvivors()
})

export function startChild(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly log: string },
): Child {
  const id = randomUUID()
  const log = openSync(options.log, 'w')
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...options.env, [marker]: id },
    stdio: ['pipe', log, log],
    detached: true,
  })
  closeSync(log)
  const output = () => readFileSync(options.log, 'utf8')
  const pid = child.pid ?? 0
  let isOver = false
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    result.killSurvivors()
  }, limitMs)
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => {
    isOver = true
    clearTimeout(limit)
    child.stdin?.destroy()
    const how = typeof signal === 'string' ? signal : `exit ${String(code)}`
    return { how: isLate ? `did not end in ${limitMs / 1000} s` : how, output: output() }
  })
  const result: Child = {
    pid,
    ended,
    output,
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => sendTo(-pid, signal),
    until: async (find) => {
      for (;;) {
        const wasOver = isOver
        const found = find()
        if (found !== undefined || wasOver) return found
        await delay(20)
      }
    },
    survivors: () => processesWith(id),
    killSurvivors: () => {
      for (const survivor of processesWith(id)) sendTo(survivor, 'SIGKILL')
    },
  }
  running.add(result)
  return result
}

function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** By what they inherited. Where there is no /proc (macOS) none is found, and only the main process is ever killed. */
function processesWith(id: string): readonly number[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${marker}=${id}`)
      } catch {
        // Ended since, or another user's.
        return false
      }
    })
}
