/** The part of docs/reliability.md that is made from the tests' own titles. */
import { standIns } from './faults.js'
import type { FaultTest } from './titles.js'

const begin = '<!-- made by "npm run reliability" from the titles of the tests -->'
const end = '<!-- end -->'

/** The document with its made part made anew. */
export function withTable(document: string, tests: readonly FaultTest[]): string {
  const [before, rest] = document.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) {
    throw new TypeError(`docs/reliability.md lacks its marks, "${begin}" and "${end}"`)
  }
  return [before, begin, '\n\n', tableOf(tests), '\n', end, after].join('')
}

function tableOf(tests: readonly FaultTest[]): string {
  const rows = tests.map(({ numbers, what, happens, file }) =>
    row([numbers.join(', '), what, happens, `[${file.replace(/^test\//, '')}](../${file})`]),
  )
  const others = standIns.map((entry) => row(entry))
  return [
    row(['#', 'what goes wrong', 'what happens', 'test']),
    '|---|---|---|---|',
    ...rows,
    '',
    row(['what no test makes', 'what stands in for it']),
    '|---|---|',
    ...others,
    '',
  ].join('\n')
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
}
