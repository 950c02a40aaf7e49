/**
 * Owner: who made a file, in its name. A pid alone is wrong in both directions (it is used again, and containers
 * that share a cache each have a pid 1), so an owner is
 * `<machine>-<boot>-<pid namespace>-<pid>-<start time>-<random>`, and only what all of these prove is believed.
 *
 * A worker thread can be terminated while its process lives on. On Linux it has a number and a start time of its own,
 * from the same range as pids and found under the same names in /proc, and its owners carry those.
 *
 * Sources: /etc/machine-id (machine-id(5)), /proc/sys/kernel/random/boot_id (random(4)), /proc/<pid>/ns/pid
 * (namespaces(7)), /proc/thread-self, fields 3 and 22 of /proc/<pid or tid>/stat, Tgid in its status (proc(5)).
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemErrorCode } from '../errors.js'

export interface Owner {
  readonly machine: string
  readonly boot: string
  readonly pidNamespace: string
  /** Of the process; of a worker thread its own number. */
  readonly pid: number
  readonly startTime: string
  readonly random: string
}

/** A new name for something of this process, or of this worker thread and as long as that lives; no two are equal. */
export function newOwner(): string {
  const { machine, boot, pidNamespace, pid, startTime } = thisPlace()
  return [machine, boot, pidNamespace, pid, startTime, randomPart()].join('-')
}

/** A name for something that this process gives up: pid 0 is no process, so anybody may take it over at once. */
export function nobody(): string {
  const { machine, boot, pidNamespace } = thisPlace()
  return [machine, boot, pidNamespace, 0, 0, randomPart()].join('-')
}

/** Of a UUID, because Node keeps those in stock: every test run, lease and draft takes one. */
function randomPart(): string {
  return randomUUID().slice(0, 8)
}

/** The owner that a file name tells, or undefined for any other name. */
export function parseOwner(name: string): Owner | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)-(\d+)-([0-9a-f]{8})$/.exec(name)
  if (!match) return undefined
  const [, machine = '', boot = '', pidNamespace = '', pid = '', startTime = '', random = ''] = match
  return { machine, boot, pidNamespace, pid: Number(pid), startTime, random }
}

/**
 * Whether the process (or the worker thread) lives. `'unknown'` is one that cannot be judged from here (another machine, another container,
 * a /proc that cannot be read): only the age of its files may speak for it then.
 */
export function judge(owner: Owner): 'dead' | 'alive' | 'unknown' {
  if (owner.pid === 0) return 'dead'
  const here = thisPlace()
  if (owner.machine !== here.machine) return 'unknown'
  if (owner.boot !== here.boot) return [owner.boot, here.boot].includes(noProc.boot) ? 'unknown' : 'dead'
  if (owner.pidNamespace !== here.pidNamespace) return 'unknown'
  if (here.boot === noProc.boot) return judgeByPid(owner.pid)
  if (owner.pid === here.pid && owner.startTime === here.startTime) return 'alive'
  try {
    const { state, startTime } = readStat(owner.pid)
    return startTime === owner.startTime && !deadStates.has(state) ? 'alive' : 'dead'
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    // ENOENT and ESRCH say that it is gone, but /proc may also hide the processes of others, or be gone itself.
    return judgeByPid(owner.pid)
  }
}

/** True only when it is certain that the process is gone; see {@link judge}. */
export function isProvablyDead(owner: Owner): boolean {
  return judge(owner) === 'dead'
}

/** Whether a process of this machine was stopped (SIGSTOP, Ctrl-Z, a debugger): it lives, and does nothing. */
export function isStopped(owner: Owner): boolean {
  return judge(owner) === 'alive' && whenReadable(() => /^[Tt]$/.test(readStat(owner.pid).state), false)
}

/** Tells one process of this machine from any other, also from one that gets its number later. */
export function processName(pid: number): string {
  const { machine, boot } = thisPlace()
  return [machine, boot, pid, whenReadable(() => readStat(pid).startTime, '0')].join('-')
}

/** For people: `process 1234`, and that it is not on this machine when it is not. */
export function describeOwner(owner: Owner): string {
  if (judge(owner) === 'alive') return `process ${processOf(owner.pid)}`
  return `process ${owner.pid}${owner.machine === thisPlace().machine ? '' : ' of another machine or container'}`
}

interface Place {
  readonly machine: string
  readonly boot: string
  readonly pidNamespace: string
  /** Of this thread, which is the process's own for the main one. */
  readonly pid: number
  /** When this thread began, in clock ticks after boot. */
  readonly startTime: string
}

/** What a name says where /proc cannot be read. All of it together: half of it would prove what is not so. */
const noProc = { boot: '00000000', pidNamespace: '0', pid: process.pid, startTime: '0' }

/** A process does not move to another machine or namespace, and each thread has this file for itself: one look is enough. */
let place: Place | undefined

function thisPlace(): Place {
  place ??= { machine: readMachine(), ...readProc() }
  return place
}

/** Machines made from one template may share their machine-id, and containers often have none: the host name tells them apart. */
function readMachine(): string {
  return shortHash(`${whenReadable(() => readFileSync('/etc/machine-id', 'utf8').trim(), '')} ${hostname()}`)
}

function readProc(): Omit<Place, 'machine'> {
  return whenReadable(() => {
    // `<pid>/task/<tid>`. A system call of this thread: it is made here, and not by one of libuv's.
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/').map(Number)
    // The /proc of another pid namespace, which speaks of other processes by the numbers of ours.
    if (pid !== process.pid || thread === undefined) return noProc
    return {
      boot: shortHash(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
      pidNamespace: readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, ''),
      pid: thread,
      startTime: readStat(thread).startTime,
    }
  }, noProc)
}

/** The process of a thread, which is how people know it; the number itself where that cannot be read. */
function processOf(thread: number): number {
  return whenReadable(() => {
    const [, group] = /^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'utf8')) ?? []
    return group === undefined ? thread : Number(group)
  }, thread)
}

function whenReadable<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return otherwise
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** Zombie and dead: the process has ended, and only its parent has not asked for its exit code yet. */
const deadStates = new Set(['Z', 'X', 'x'])

/** State, and clock ticks after boot at which the process started. Throws a system error when it cannot be read. */
function readStat(pid: number): { readonly state: string; readonly startTime: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses and may hold blanks and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' }
}

/** A pid that exists may be anybody's by now, so only its absence proves something. */
function judgeByPid(pid: number): 'dead' | 'alive' | 'unknown' {
  if (pid === process.pid) return 'alive'
  try {
    process.kill(pid, 0)
    return 'unknown'
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH' ? 'dead' : 'unknown'
  }
}
