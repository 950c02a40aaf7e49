/** Printing results: columns for people, JSON for programs. */
import { stripVTControlCharacters } from 'node:util'

/** Prints rows with their columns aligned; the last column is not padded. */
export function printRows(rows: readonly (readonly string[])[]): void {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  }
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      printable(cell).padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0)),
    )
    process.stdout.write(`${cells.join('  ')}\n`)
  }
}

export function printValue(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, jsonable, 2)}\n`)
}

/** What a publisher wrote may hold escape sequences; a terminal shall not obey them. */
function printable(text: string): string {
  return stripVTControlCharacters(text)
}

function jsonable(_key: string, value: unknown): unknown {
  return value instanceof RegExp ? String(value) : value
}
