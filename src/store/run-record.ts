/**
 * What people are told about a run: in its lease directory who it is, beside each overlay which test has it. Both are
 * symbolic links to nowhere whose targets are the text: one system call makes one, nobody ever reads half of it, and it
 * goes with its directory. Where there can be none, a holder is known by its process alone.
 */
import { readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { namesIn } from './directory.js'
import { whenReadable } from './readable.js'

export interface RunRecord {
  /** ISO 8601. */
  readonly since: string
  /** Its working directory. */
  readonly project: string
  readonly command: string
  /** Where its overlays are. */
  readonly overlayDir: string
}

const recordName = 'who'
const markEnding = '.test'

/** Writes down who this process is. */
export function recordRun(leaseDir: string, overlayDir: string): void {
  const [program = '', ...args] = process.argv
  // Linux takes targets of up to 4095 bytes.
  const command = [basename(program), ...args].join(' ').slice(0, 300)
  const record: RunRecord = { since: new Date().toISOString(), project: process.cwd(), command, overlayDir }
  link(JSON.stringify(record), join(leaseDir, recordName))
}

export function findRunRecord(leaseDir: string): RunRecord | undefined {
  const record = read(join(leaseDir, recordName))
  return isRunRecord(record) ? record : undefined
}

/** Says that `test` works on the disk `overlay`, which stands on the file `base`. */
export function markTest(overlay: string, base: string, test: string): void {
  link(JSON.stringify([base, test.slice(-300)]), `${overlay}${markEnding}`)
}

/** Idempotent, never throws: a mark without its overlay counts for nothing. */
export function unmarkTest(overlay: string): void {
  whenReadable(() => unlinkSync(`${overlay}${markEnding}`))
}

/** The tests that have a disk in `overlayDir` now, by the file that it stands on. */
export function findTests(overlayDir: string): readonly { readonly base: string; readonly test: string }[] {
  const names = new Set(whenReadable(() => namesIn(overlayDir)))
  return [...names]
    .filter((name) => name.endsWith(markEnding) && names.has(name.slice(0, -markEnding.length)))
    .flatMap((name) => {
      const mark = read(join(overlayDir, name))
      if (!Array.isArray(mark)) return []
      const [base, test]: readonly unknown[] = mark
      return typeof base === 'string' && typeof test === 'string' ? [{ base, test }] : []
    })
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
