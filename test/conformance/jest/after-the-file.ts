/** Has the global teardown look at disks when all files are over, before ours removes everything. */
import { appendFileSync } from 'node:fs'

const { AFTER_FILES = '' } = process.env

/** @param row under which it says what it saw. */
export function afterTheFile(row: string, paths: readonly string[]): void {
  appendFileSync(AFTER_FILES, `${JSON.stringify({ row, paths })}\n`)
}
