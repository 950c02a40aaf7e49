/** The cells of the matrix; pure. */
import type { ScenarioName } from '../conformance/expectations.js'
import type { Cell, Framework } from './framework.js'
import { exampleCells } from './example-cells.js'
import { jestFramework } from './jest-framework.js'
import type { MatrixCell } from './matrix-cell.js'
import { nodeTestFramework } from './node-test-framework.js'
import { playwrightFramework } from './playwright-framework.js'
import { runCell } from './run-cell.js'
import { typesCells } from './types-cells.js'
import { vitestFramework } from './vitest-framework.js'

export const frameworks: readonly Framework[] = [
  vitestFramework,
  jestFramework,
  nodeTestFramework,
  playwrightFramework,
]

/**
 * Of each way in which versions differ one: both ends of the range, without and with aroundEach, processes and threads; and
 * all ends of a run once, as they take longest. Cell -> scenarios, or all that it has. The examples come with them.
 */
const small: ReadonlyMap<string, readonly ScenarioName[] | undefined> = new Map([
  ['vitest 3.2.0 node20 plugin forks', ['canary', 'semantics', 'sequence.hooks=list', 'keep']],
  ['vitest 4.1 node20 by hand threads no-isolate', undefined],
  ['vitest 5 node24 plugin forks', ['ends by signals', 'watch']],
  ['vitest 5 node24 plugin vmThreads', ['canary', 'semantics', 'sequence.concurrent', 'keep']],
  ['jest 30 node20 workers commonjs', ['canary', 'semantics', 'keep', 'onUnavailable: skip']],
  ['node-test node20 es-modules', ['semantics', 'keep', 'onUnavailable: skip']],
  ['playwright 1 node20 plugin es-modules', ['semantics', 'keep', 'onUnavailable: skip']],
  ['types typescript 5.4 vitest 3.2 nodenext', undefined],
])

export interface CellFilter {
  /** Parts of names, one of which the cell's has to have. Default: all. */
  readonly only?: readonly string[] | undefined
  readonly isSmall?: boolean
  /** Run no others. Default: all that a cell has. */
  readonly scenarios?: readonly string[] | undefined
}

/** @throws TypeError when no cell is left: a filter that means nothing must not pass. */
export function cellsOf({ only, isSmall = false, scenarios }: CellFilter): readonly MatrixCell[] {
  const cells = frameworks
    .flatMap((framework) => framework.cells())
    .map((cell) => withScenarios(cell, scenarios ?? (isSmall ? small.get(cell.name) : undefined)))
    .filter((cell) => cell.scenarios.length > 0)
  const all = [
    ...cells.map(asMatrixCell),
    ...(scenarios === undefined ? [...typesCells(), ...exampleCells()] : []),
  ]
  const named = all
    .filter(({ name }) => !isSmall || small.has(name) || name.startsWith('example '))
    .filter(({ name }) => only?.some((part) => isMeant(name, part, all)) ?? true)
  if (named.length === 0) throw new TypeError(`No cell is called like ${only?.join(' or ')}; see --list.`)
  return named
}

/** The newest of each, and the next where the registry has one: only what nobody promises us. */
export function canaryCells(tagsOf: (name: string) => readonly string[]): readonly MatrixCell[] {
  return frameworks
    .filter(({ scenarios }) => scenarios.canary !== undefined)
    .flatMap((framework) => framework.canaries(tagsOf(framework.name)))
    .map(asMatrixCell)
}

function withScenarios(cell: Cell, names: readonly string[] | undefined): Cell {
  return { ...cell, scenarios: cell.scenarios.filter((name) => names?.includes(name) ?? true) }
}

function asMatrixCell(cell: Cell): MatrixCell {
  return { name: cell.name, run: (lab) => runCell(cell, lab) }
}

/** The whole name of a cell means that one alone, though others go on from there. */
function isMeant(name: string, part: string, all: readonly MatrixCell[]): boolean {
  return all.some((cell) => cell.name === part) ? name === part : name.includes(part)
}
