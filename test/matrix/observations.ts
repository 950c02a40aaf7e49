/** What was seen against what is expected; pure. */
import { isDeepStrictEqual } from 'node:util'
import type { Expectation, Place, Saw } from '../conformance/expectations.js'

export interface Observation {
  readonly row: string
  readonly saw: Saw
}

export interface Difference {
  readonly row: string
  readonly text: string
}

export interface Comparison {
  readonly passed: number
  readonly total: number
  readonly differences: readonly Difference[]
}

/** The lines that scenarios wrote. A line that was cut off by the end of its process is left out. */
export function readObservations(text: string): readonly Observation[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Observation) // as the scenarios' observe() writes them
}

/** Each row has to be seen at least once, and every time as expected; and nothing may be seen that is no row. */
export function compareWith(
  expectations: readonly Expectation[],
  observations: readonly Observation[],
  place: Place,
): Comparison {
  const rows = new Map(expectations.map((expectation) => [expectation.row, expectation]))
  const wrong = expectations.flatMap((expectation) => {
    const seen = observations.filter(({ row }) => row === expectation.row)
    const exception = expectation.but?.find(({ where }) => where(place))
    const wanted = exception?.saw ?? expectation.saw
    const differing = seen.find(({ saw }) => !isDeepStrictEqual(saw, wanted))
    if (seen.length > 0 && !differing) return []
    const found = differing ? JSON.stringify(differing.saw) : 'nothing'
    return [{ row: expectation.row, text: `saw ${found}, expected ${JSON.stringify(wanted)}` }]
  })
  const unknown = observations
    .filter(({ row }) => !rows.has(row))
    .map(({ row, saw }) => ({ row, text: `saw ${JSON.stringify(saw)}, and there is no such row` }))
  return {
    passed: expectations.length - wrong.length,
    total: expectations.length,
    differences: [...wrong, ...unknown],
  }
}
