/** A cell of the matrix: something that is tried by itself and has a line of its own. */
import type { Installations } from './installation.js'
import type { CellResult } from './table.js'

export interface Lab {
  readonly installations: Installations
  /** Of the loopback mirror that serves all publishers. */
  readonly mirrorUrl: string
  /** The configuration file whose providers pin the key of the mirror's publishers. */
  readonly config: string
}

export interface CellRun {
  readonly result: Omit<CellResult, 'name'>
  /** The end of what was printed, where something differs. */
  readonly tail: readonly string[]
}

export interface MatrixCell {
  readonly name: string
  readonly run: (lab: Lab) => Promise<CellRun>
}
