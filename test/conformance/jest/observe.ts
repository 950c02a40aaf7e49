/** What a scenario saw, for the runner to compare: one line of JSON for each row, in the file that OBSERVED names. */
import { appendFileSync } from 'node:fs'

export type Saw = string | number | readonly Saw[]

/** @param row the sentence in ../expectations.ts; PREFIX stands before it where a scenario runs under another option. */
export function observe(row: string, saw: Saw): void {
  const { OBSERVED = '', PREFIX = '' } = process.env
  appendFileSync(OBSERVED, `${JSON.stringify({ row: PREFIX + row, saw })}\n`)
}
