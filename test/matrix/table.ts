/** The matrix as text; pure. */
import type { Difference } from './observations.js'

export interface CellResult {
  readonly name: string
  /** What npm chose: `vitest 4.1.12`. */
  readonly version: string
  readonly passed: number
  readonly total: number
  readonly seconds: number
  readonly differences: readonly Difference[]
  /** What cannot be had in this cell, and why. */
  readonly notes?: readonly string[]
}

/** `ok   vitest 4.1 node20 plugin forks    4.1.12   98/98   31 s` */
export function cellLine({ name, version, passed, total, seconds, differences }: CellResult): string {
  const word = differences.length === 0 ? 'ok  ' : 'FAIL'
  return `${word} ${name.padEnd(52)} ${version.padEnd(8)} ${`${passed}/${total}`.padStart(8)} ${seconds.toFixed(0).padStart(4)} s`
}

export function differenceLines({ differences }: CellResult): readonly string[] {
  return differences.map(({ row, text }) => `     - ${row}\n       ${text}`)
}

/** One line for each cell, in the order of the list and not in that of their ends; then notes, then the sum. */
export function table(results: readonly CellResult[]): string {
  const notes = results.flatMap(({ name, notes: own = [] }) => own.map((note) => `     ${name}: ${note}`))
  const failed = results.filter(({ differences }) => differences.length > 0).length
  const total = results.reduce((sum, result) => sum + result.total, 0)
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  return [
    ...results.map(cellLine),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
    `${results.length} cells, ${passed} of ${total} checks as expected, ${failed === 0 ? 'no cell differs' : `${failed} differ`}`,
  ].join('\n')
}
