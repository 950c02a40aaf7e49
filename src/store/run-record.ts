/**
 * What people are told about a run: in its lease directory who it is, beside each overlay which test has it. Both are
 * symbolic links to nowhere whose targets are the text: one system call makes one, nobody ever reads half of it, and it
 * goes with its directory. A run of tests writes it down; of other processes the system knows it where it is theirs.
 */
import { readFileSync, readlinkSync, statSync, symlinkSync, unlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { namesIn } from './directory.js'
import type { Owner } from './owner.js'
import { whenReadable } from './readable.js'

export interface RunRecord {
  /** ISO 8601. */
  readonly since: string
  /** Its working directory. */
  readonly project: string
  readonly command: string
  /** Where its overlays are; undefined when nobody wrote it down. */
  readonly overlayDir: string | undefined
}

const recordName = 'who'
const markEnding = '.test'

/** Writes down who this process is. */
export function recordRun(leaseDir: string, overlayDir: string): void {
  const [program = '', ...args] = process.argv
  const command = commandText(program, args)
  const record: RunRecord = { since: new Date().toISOString(), project: process.cwd(), command, overlayDir }
  link(JSON.stringify(record), join(leaseDir, recordName))
}

/** What is written in a lease directory; else what the system tells of its owner, if that is a process of this machine. */
export function findRunRecord(leaseDir: string, owner: Owner): RunRecord | undefined {
  const record = read(join(leaseDir, recordName))
  return isRunRecord(record) ? record : whenReadable(() => recordOf(owner, leaseDir))
}

/** By proc(5); a system error where there is no such process, or it is another user's. */
function recordOf({ pid }: Owner, leaseDir: string): RunRecord {
  const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return {
    since: statSync(leaseDir).birthtime.toISOString(),
    project: readlinkSync(`/proc/${pid}/cwd`),
    command: commandText(program, args),
    overlayDir: undefined,
  }
}

/** Targets of less than 60 bytes lie in the inode of ext4, and removing others takes ten times as long (seen on Linux 6.18). */
const markBytes = 59

/** Says that `test` works on the disk `overlay`, which stands on the file `base`. */
export function markTest(overlay: string, base: string, test: string): void {
  link(`${tagOf(base)} ${endOf(test, markBytes - tagLength - 1)}`, `${overlay}${markEnding}`)
}

/** Idempotent, never throws: a mark without its overlay counts for nothing. */
export function unmarkTest(overlay: string): void {
  whenReadable(() => unlinkSync(`${overlay}${markEnding}`))
}

/** The test that has the disk `overlay`, of a long name the end; undefined where none is written down. */
export function findTest(overlay: string): string | undefined {
  return whenReadable(() => readlinkSync(`${overlay}${markEnding}`))?.slice(tagLength + 1)
}

/** The tests that have a disk in `overlayDir` now on one of the files `bases`; of long names the end. */
export function findTests(overlayDir: string, bases: readonly string[]): readonly string[] {
  const tags = new Set(bases.map(tagOf))
  const names = new Set(whenReadable(() => namesIn(overlayDir)))
  const tests = [...names]
    .filter((name) => name.endsWith(markEnding) && names.has(name.slice(0, -markEnding.length)))
    .flatMap((name) => whenReadable(() => readlinkSync(join(overlayDir, name))) ?? [])
    .filter((mark) => tags.has(mark.slice(0, tagLength)))
    .map((mark) => mark.slice(tagLength + 1))
  return [...new Set(tests)].toSorted()
}

const tagLength = 8

/** The last digits of its digest tell a base from the others of a run, by its lease or by its place in the store. */
function tagOf(base: string): string {
  return base
    .replace(/\/disk$/, '')
    .slice(-tagLength)
    .padStart(tagLength, '-')
}

/** The end of a test's name tells more than its beginning, which is the file that all tests around it share. */
function endOf(name: string, maxBytes: number): string {
  const bytes = Buffer.from(name.replaceAll('\0', ' '))
  if (bytes.length <= maxBytes) return name
  // A character that was cut shows as the sign for one that cannot be read.
  return `…${bytes
    .subarray(-(maxBytes - 3))
    .toString('utf8')
    .replace(/^\uFFFD+/, '')}`
}

function commandText(program: string, args: readonly string[]): string {
  return [basename(program), ...args].join(' ').trim().slice(0, 300)
}

function link(text: string, path: string): void {
  try {
    symlinkSync(text, path)
  } catch (error) {
    // No links on this file system, no room, or a directory that was removed under us.
    if (systemErrorCode(error) === undefined) throw error
  }
}

function read(path: string): unknown {
  const text = whenReadable(() => readlinkSync(path))
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isRunRecord(value: unknown): value is RunRecord {
  if (typeof value !== 'object' || value === null) return false
  const { since, project, command, overlayDir }: Partial<RunRecord> = value
  return [since, project, command, overlayDir].every((field) => typeof field === 'string')
}
