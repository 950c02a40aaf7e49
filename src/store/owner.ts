/**
 * Owner: who made a file, in its name. A pid alone is wrong in both directions (it is used again, and containers
 * that share a cache each have a pid 1), so an owner is
 * `<machine>-<boot>-<pid namespace>-<pid>-<start time>-<random>`, and only what all of these prove is believed.
 *
 * Sources: /etc/machine-id (machine-id(5)), /proc/sys/kernel/random/boot_id (random(4)), /proc/<pid>/ns/pid
 * (namespaces(7)), field 22 of /proc/<pid>/stat (proc(5)).
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemErrorCode } from '../errors.js'

export interface Owner {
  readonly machine: string
  readonly boot: string
  readonly pidNamespace: string
  readonly pid: number
  readonly startTime: string
  readonly random: string
}

/** A new name for something of this process; no two are equal. */
export function newOwner(): string {
  const here = thisPlace()
  const start = here.linux ? (startTimeOf(process.pid) ?? '0') : '0'
  return [
    here.machine,
    here.boot,
    here.pidNamespace,
    process.pid,
    start,
    randomBytes(4).toString('hex'),
  ].join('-')
}

/** A name for something that this process gives up: pid 0 is no process, so anybody may take it over at once. */
export function nobody(): string {
  const here = thisPlace()
  return [here.machine, here.boot, here.pidNamespace, 0, 0, randomBytes(4).toString('hex')].join('-')
}

/** The owner that a file name tells, or undefined for any other name. */
export function parseOwner(name: string): Owner | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)-(\d+)-([0-9a-f]{8})$/.exec(name)
  if (!match) return undefined
  const [, machine = '', boot = '', pidNamespace = '', pid = '', startTime = '', random = ''] = match
  return { machine, boot, pidNamespace, pid: Number(pid), startTime, random }
}

/**
 * True only when it is certain that the process is gone. False for a living process and for one that cannot be
 * judged from here (another machine, another container): only the age of its files may speak for it then.
 */
export function isProvablyDead(owner: Owner): boolean {
  const here = thisPlace()
  if (owner.machine !== here.machine) return false
  if (owner.pid === 0) return true
  if (!here.linux) return isGone(owner.pid)
  if (owner.boot !== here.boot) return true
  if (owner.pidNamespace !== here.pidNamespace) return false
  return startTimeOf(owner.pid) !== owner.startTime
}

/** For people: `process 1234`, and that it is not on this machine when it is not. */
export function describeOwner(owner: Owner): string {
  return `process ${owner.pid}${owner.machine === thisPlace().machine ? '' : ' of another machine or container'}`
}

interface Place {
  readonly linux: boolean
  readonly machine: string
  readonly boot: string
  readonly pidNamespace: string
}

/** The process does not move to another machine or namespace, so one look is enough. */
let place: Place | undefined

function thisPlace(): Place {
  place ??= look()
  return place
}

function look(): Place {
  const linux = process.platform === 'linux'
  // Containers often have no machine-id; their host name is then what tells them apart.
  const machine = shortHash((linux ? readSmallFile('/etc/machine-id') : undefined) || hostname())
  if (!linux) return { linux, machine, boot: '00000000', pidNamespace: '0' }
  return {
    linux,
    machine,
    boot: shortHash(readSmallFile('/proc/sys/kernel/random/boot_id') ?? ''),
    pidNamespace: /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0',
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}

/** Clock ticks after boot at which a process started, or undefined when there is no such process. */
function startTimeOf(pid: number): string | undefined {
  const stat = readSmallFile(`/proc/${pid}/stat`)
  // The second field is the program's name in parentheses and may hold blanks and parentheses itself.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

/** Without /proc a pid that exists may be anybody's, so only its absence proves something. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH'
  }
}
