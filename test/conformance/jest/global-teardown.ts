/**
 * A global teardown of the user's own, as Jest takes but one: it looks at what is left, and calls ours. What is gone by
 * then went with its test or describe().
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import ours from 'vmimage/jest/global-teardown'

// Out here Jest maps no name of a module, so a file of TypeScript imports no other.
const { AFTER_FILES = '', OBSERVED = '' } = process.env

export default function teardown(): void {
  const lines = existsSync(AFTER_FILES) ? readFileSync(AFTER_FILES, 'utf8').trim().split('\n') : []
  for (const line of lines) {
    const { row, paths } = JSON.parse(line) as { row: string; paths: string[] } // as after-the-file.ts writes it
    const saw = paths.some((path) => existsSync(path)) ? 'there' : 'gone'
    appendFileSync(OBSERVED, `${JSON.stringify({ row, saw })}\n`)
  }
  ours()
}
