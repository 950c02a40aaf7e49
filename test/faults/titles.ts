/** The tests that prove a fault, as their titles say it; read from the source, so that a skipped test counts too. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FaultTest {
  readonly numbers: readonly number[]
  readonly what: string
  readonly happens: string
  /** From the root of the project. */
  readonly file: string
}

const root = new URL('../../', import.meta.url).pathname
/** The test of this file has titles in it that are none. */
const ownTest = 'faults/reliability.test.ts'

/** All of them, sorted by number, then as they stand in the files. */
export function faultTests(): readonly FaultTest[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && file !== ownTest)
    .toSorted()
    .flatMap((file) => titlesIn(readFileSync(join(root, 'test', file), 'utf8'), `test/${file}`))
    .toSorted((a, b) => (a.numbers[0] ?? 0) - (b.numbers[0] ?? 0))
}

/** The titles in a file of tests: `test('fault 24, ...: ...', ...)`, also of `test.each()`. */
export function titlesIn(code: string, file: string): readonly FaultTest[] {
  const literals = [...code.matchAll(/\(\s*(['"`])(fault \d(?:\\.|(?!\1)[^\\])*)\1/g)]
  return literals.map(([, , literal = '']) => readTitle(literal.replaceAll(/\\(.)/g, '$1'), file))
}

function readTitle(title: string, file: string): FaultTest {
  const [, numbers, what, happens] = /^fault (\d+(?:, \d+)*), (\D.*?): (.+)$/.exec(title) ?? []
  const isCase = /%\w/.test(title.replace(/ \([^()]*\)$/, ''))
  if (numbers === undefined || what === undefined || happens === undefined || isCase) {
    throw new TypeError(`${file}: expected "fault NUMBER, WHAT: WHAT HAPPENS", not "${title}"`)
  }
  // The case of a test.each(), at the end in parentheses.
  return {
    numbers: numbers.split(', ').map(Number),
    what,
    happens: happens.replace(/ \([^()]*[%$]\w[^()]*\)$/, ''),
    file,
  }
}
