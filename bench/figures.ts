/** Figures of a benchmark: these machines are noisy, so medians are quoted and the extremes shown beside them. */

/** The middle value; of an even number of them the upper one. NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Prints rows with their columns aligned, the first to the left and the others to the right. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  for (const [first = '', ...others] of rows) {
    const cells = others.map((cell, index) => cell.padStart(widths[index + 1] ?? 0))
    console.log([first.padEnd(widths[0] ?? 0), ...cells].join('  '))
  }
}
