/** The processes of the fuzz: started, killed and started again, each under a number that the mirror knows it by. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultSite } from './fault-site.js'
import type { FuzzMirror, Reply } from './fuzz-mirror.js'
import type { WorkerEvent } from './fuzz-worker.js'
import type { Seeded } from './seeded.js'

export interface WorkerState {
  readonly number: number
  /** When it last began to open an image. */
  readonly openedAt: number
}

export interface Crew extends AsyncDisposable {
  /** When somebody last removed the locks. */
  locksRemovedAt: number
  onEvent(listener: (event: WorkerEvent, worker: WorkerState) => void): void
  /** Kills a worker that is at work, and starts another in its place; false when too few are: who starts is to get somewhere. */
  kill(random: Seeded): boolean
  signal(number: number, signal: NodeJS.Signals): void
  /** Whether the process that a reply goes to still lives. */
  isAlive(reply: Reply): boolean
  openedAt(number: number): number
  /** Tells all to end, and waits; what is wrong with how they ended. */
  end(): Promise<readonly string[]>
}

interface CrewOptions {
  readonly mode: 'lock' | 'nolock' | 'naive'
  readonly children: string
  readonly work: string
  readonly site: FaultSite
  readonly mirror: FuzzMirror
  readonly size: number
  readonly random: Seeded
}

interface Member {
  readonly child: ChildProcess
  readonly startedAt: number
  openedAt: number
  /** True once it has begun to work: on a busy machine that takes longer than the time between two kills. */
  isAwake: boolean
}

/** So long may a worker take to finish what it is at: its downloads still break. */
const endMs = 60_000

export function startCrew(options: CrewOptions): Crew {
  const { mode, children, work, site, mirror, size, random } = options
  const listeners: ((event: WorkerEvent, worker: WorkerState) => void)[] = []
  const failures: string[] = []
  const members = Array.from({ length: size }, (_, number) => start(number))

  function start(number: number): Member {
    const preload = mode === 'nolock' ? ['--import', join(children, 'lockless.js')] : []
    const kind = mode === 'naive' ? 'naive' : 'shipped'
    const seed = String(random.between(0, 2 ** 31))
    const script = [join(children, 'fuzz-worker.js'), kind, work, `${mirror.url}/w${number}`, seed]
    const child = spawn(process.execPath, [...preload, ...script], {
      env: { ...process.env, ...whatIsRight(site, mode) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const member: Member = {
      child,
      startedAt: performance.now(),
      openedAt: performance.now(),
      isAwake: false,
    }
    const noise: string[] = []
    child.stderr.on('data', (data: Buffer) => noise.push(data.toString()))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as WorkerEvent // a worker writes whole lines
      for (const told of listeners) told(event, { number, openedAt: member.openedAt })
      if (event.type === 'open') Object.assign(member, { openedAt: performance.now(), isAwake: true })
    })
    child.on('close', (code, signal) => {
      // By SIGTERM: it was told to end before it had begun.
      if (code !== 0 && signal !== 'SIGKILL' && signal !== 'SIGTERM')
        failures.push(`worker ${number} ended with ${code}: ${noise.join('')}`)
    })
    return member
  }

  return {
    locksRemovedAt: 0,
    onEvent: (listener) => void listeners.push(listener),
    kill(choice) {
      const awake = members.flatMap(({ isAwake }, number) => (isAwake ? [number] : []))
      if (awake.length < size - 1) return false
      const number = choice.pick(awake)
      members[number]?.child.kill('SIGKILL')
      members[number] = start(number)
      return true
    },
    signal: (number, signal) => void members[number]?.child.kill(signal),
    isAlive: ({ worker, startedAt }) => (members[worker]?.startedAt ?? Infinity) < startedAt,
    openedAt: (number) => members[number]?.openedAt ?? 0,
    async end() {
      const late = new AbortController()
      const ended = members.map(async ({ child }, number) => {
        child.kill('SIGTERM')
        const isOver = child.exitCode === null && child.signalCode === null ? once(child, 'close') : undefined
        const isLate = delay(endMs, true, { signal: late.signal }).catch(() => false)
        if ((await Promise.race([isOver, isLate])) === true) failures.push(`worker ${number} does not end`)
      })
      await Promise.all(ended)
      late.abort()
      return failures
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of members) child.kill('SIGKILL')
    },
  }
}

/** What workers compare with: the naive store keeps images as they are served. */
function whatIsRight({ images }: FaultSite, mode: CrewOptions['mode']): Record<string, string> {
  const entries = Object.entries(images)
  const served = entries.map(
    ([name, { path, key }]) => [name, { path, hex: key.replace('sha256-', '') }] as const,
  )
  const unpacked = entries.map(([name, { sha256 }]) => [name, sha256])
  const expected = mode === 'naive' ? served.map(([name, { hex }]) => [name, hex]) : unpacked
  return {
    SERVED: JSON.stringify(Object.fromEntries(served)),
    EXPECTED: JSON.stringify(Object.fromEntries(expected)),
  }
}
