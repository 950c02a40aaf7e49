import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { faults } from './faults.js'
import { withTable } from './reliability-table.js'
import { faultTests, titlesIn } from './titles.js'

const numbers = Object.keys(faults).map(Number)

test('every fault of the list has a test', () => {
  const proved = new Set(faultTests().flatMap((proof) => proof.numbers))
  expect(numbers.filter((number) => !proved.has(number))).toEqual([])
})

test('no title names a fault that is not in the list', () => {
  expect(faultTests().filter((proof) => proof.numbers.some((number) => !numbers.includes(number)))).toEqual(
    [],
  )
})

test('docs/reliability.md is what the titles make of it: run "npm run reliability"', () => {
  const document = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  expect(document).toBe(withTable(document, faultTests()))
})

test('a title is read from any way of writing a test', () => {
  const read = titlesIn(
    `test('fault 1, a: b', f)\n  test.each([])(\n "fault 2, 3, it's: c: d (%s)", f)\ntest('no fault, a: b')`,
    'x',
  )
  expect(read).toEqual([
    { numbers: [1], what: 'a', happens: 'b', file: 'x' },
    { numbers: [2, 3], what: "it's", happens: 'c: d', file: 'x' },
  ])
})

test.each(['fault 5 a: b', 'fault 5, a', 'fault 5, 6: a', 'fault 5, a %s: b'])(
  '"%s" is no title',
  (title) => {
    expect(() => titlesIn(`test('${title}', f)`, 'x')).toThrow('expected "fault NUMBER, WHAT: WHAT HAPPENS"')
  },
)

test('a row is in the document for each title, and a document without marks is refused', () => {
  const proof = { numbers: [9, 10], what: 'a | b', happens: 'c', file: 'test/x.test.ts' }
  const document =
    'Hello\n<!-- made by "npm run reliability" from the titles of the tests -->\nold\n<!-- end -->\nEnd\n'
  const made = withTable(document, [proof])
  expect(made).toContain('| 9, 10 | a \\| b | c | [x.test.ts](../test/x.test.ts) |\n')
  expect(made).toMatch(/^Hello\n[^]*\n<!-- end -->\nEnd\n$/)
  expect(withTable(made, [proof])).toBe(made)
  expect(() => withTable('Hello', [proof])).toThrow('lacks its marks')
})
