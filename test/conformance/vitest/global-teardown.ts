/**
 * A global setup of the user's own: its teardown runs after the last test and before ours, which removes everything. What
 * is gone by then went with its test or file.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { observe } from './observe.js'

const { AFTER_FILES = '' } = process.env

/** Has the teardown look at the disks, under the name of a row. */
export function afterTheFile(row: string, paths: readonly string[]): void {
  appendFileSync(AFTER_FILES, `${JSON.stringify({ row, paths })}\n`)
}

export function teardown(): void {
  if (!existsSync(AFTER_FILES)) return
  for (const line of readFileSync(AFTER_FILES, 'utf8').trim().split('\n')) {
    const { row, paths } = JSON.parse(line) as { row: string; paths: string[] } // as written above
    observe(row, paths.some((path) => existsSync(path)) ? 'there' : 'gone')
  }
}
