/** The parts of the matrix that decide: which cells there are, what a report says, and whether that is as expected. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Expectation, expectations, type Place } from '../conformance/expectations.js'
import { tempDir } from '../support/temp-dir.js'
import { canaryCells, cellsOf, frameworks } from './cells.js'
import { keptRows, readKept } from './keep.js'
import { jestFramework } from './jest-framework.js'
import { nodeTestFramework } from './node-test-framework.js'
import { compareWith, readObservations } from './observations.js'
import { playwrightFramework } from './playwright-framework.js'
import { type CellResult, cellLine, differenceLines, table } from './table.js'
import { vitestFramework } from './vitest-framework.js'

const place: Place = { framework: 'vitest', version: '3.2.7', node: '20', pool: 'forks' }

const namesOfCanaries = (tags: readonly string[]) => canaryCells(() => tags).map(({ name }) => name)

describe('cells', () => {
  const all = cellsOf({}).map(({ name }) => name)

  test('have names of their own', () => {
    expect(new Set(all).size).toBe(all.length)
  })

  test('are there for each version of Vitest in each pool, with and without isolation', () => {
    const plugin = all.filter((name) => /^vitest \S+ \S+ plugin /.test(name))
    expect(plugin).toHaveLength(5 * 6)
    expect(plugin).toContain('vitest 3.2.0 node20 plugin threads no-isolate')
    expect(plugin).toContain('vitest 5 node24 plugin vmThreads')
  })

  test('of the small set are all there', () => {
    expect(cellsOf({ isSmall: true }).map(({ name }) => name)).toHaveLength(8 + 7)
  })

  test('are chosen by a part of their name', () => {
    const chosen = cellsOf({ only: ['vitest 4.0 node20 plugin', 'vitest 5 node24 inline projects forks'] })
    expect(chosen).toHaveLength(6 + 1)
  })

  test('a whole name means that cell and not those that go on from there', () => {
    const name = 'vitest 4.1 node20 plugin forks'
    expect(all.filter((other) => other.startsWith(name)).length).toBeGreaterThan(1)
    expect(cellsOf({ only: [name] }).map((cell) => cell.name)).toEqual([name])
  })

  test('a name that no cell has is an error', () => {
    expect(() => cellsOf({ only: ['vitest 2'] })).toThrow(/vitest 2.*--list/)
  })

  test('of the canary are the newest, and the next where there is one', () => {
    expect(namesOfCanaries(['latest', 'v3'])).toEqual([
      'vitest latest node24 canary',
      'jest latest node24 canary',
    ])
    expect(namesOfCanaries(['beta', 'next', 'latest'])).toEqual([
      'vitest latest node24 canary',
      'vitest next node24 canary',
      'vitest beta node24 canary',
      'jest latest node24 canary',
      'jest next node24 canary',
    ])
  })

  test('are there for each example', () => {
    const examples = all.filter((name) => name.startsWith('example '))
    expect(examples).toContain('example jest-typescript')
    expect(examples.length).toBeGreaterThan(5)
  })

  test.each(frameworks.map((framework) => [framework.name, framework] as const))(
    'of %s have scenarios that it knows how to run',
    (_, framework) => {
      const many = new Set(['ends of tests', 'ends by signals', 'watch'])
      const scenarios = new Set(framework.cells().flatMap((cell) => cell.scenarios))
      expect([...scenarios].filter((name) => !many.has(name) && !framework.scenarios[name])).toEqual([])
    },
  )

  test('have all scenarios among them', () => {
    const scenarios = new Set(frameworks.flatMap(({ cells }) => cells().flatMap((cell) => cell.scenarios)))
    expect([...scenarios].toSorted()).toEqual(Object.keys(expectations).toSorted())
  })
})

describe('expectations', () => {
  const all: readonly Expectation[] = Object.values(expectations).flat()

  test.each(frameworks.map(({ name }) => name))('have rows of their own in %s', (framework) => {
    const names = all.filter((row) => row.frameworks?.includes(framework) ?? true).map(({ row }) => row)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  test('and exceptions that differ from the rule', () => {
    const same = all.filter(({ saw, but = [] }) => but.some((exception) => exception.saw === saw))
    expect(same).toEqual([])
  })
})

describe('what was seen', () => {
  const rows: readonly Expectation[] = [
    { row: 'a disk is there', phase: 'test', saw: 'there' },
    {
      row: 'a late call is refused',
      phase: 'late',
      saw: 'TEST_FINISHED',
      but: [{ where: ({ version }) => version.startsWith('3.'), saw: 'a disk', why: 'it is old' }],
    },
  ]
  const there = { row: 'a disk is there', saw: 'there' }
  const refused = { row: 'a late call is refused', saw: 'TEST_FINISHED' }

  test('is read line by line, without one that was cut off', () => {
    expect(readObservations('{"row":"a","saw":1}\n{"row":"b","saw":["x"]}\n{"row":"c')).toEqual([
      { row: 'a', saw: 1 },
      { row: 'b', saw: ['x'] },
    ])
  })

  test('is as expected', () => {
    const comparison = compareWith(rows, [there, there, refused], { ...place, version: '4.1.12' })
    expect(comparison).toEqual({ passed: 2, total: 2, differences: [] })
  })

  test('is another thing where an exception holds', () => {
    expect(compareWith(rows, [there, { ...refused, saw: 'a disk' }], place).differences).toEqual([])
    expect(compareWith(rows, [there, refused], place).differences).toEqual([
      { row: refused.row, text: 'saw "TEST_FINISHED", expected "a disk"' },
    ])
  })

  test('differs when it was not seen at all', () => {
    expect(compareWith(rows, [{ ...refused, saw: 'a disk' }], place)).toEqual({
      passed: 1,
      total: 2,
      differences: [{ row: there.row, text: 'saw nothing, expected "there"' }],
    })
  })

  test('differs when it was right once and wrong once', () => {
    const seen = [there, { ...there, saw: 'gone' }, { ...refused, saw: 'a disk' }]
    expect(compareWith(rows, seen, place).differences).toHaveLength(1)
  })

  test('differs when it is no row', () => {
    const seen = [there, { ...refused, saw: 'a disk' }, { row: 'a disk is their', saw: 'there' }]
    expect(compareWith(rows, seen, place).differences).toEqual([
      { row: 'a disk is their', text: 'saw "there", and there is no such row' },
    ])
  })
})

describe('reports', () => {
  const terminal = `stderr | keep.spec.ts > fails
vm image "a" kept: /kept/of-stderr

 FAIL  keep.spec.ts > fails
AssertionError: expected 1 to be 2

vm image "a" kept: DIRECTORY/one/a.qcow2
 FAIL  keep.spec.ts > a suite > fails too
AssertionError: expected 1 to be 2
`
  const junit = `<testsuites><testcase classname="keep.spec.ts" name="passes" time="1"></testcase>
<testcase classname="keep.spec.ts" name="fails"><failure message="vm image &quot;a&quot; kept: DIRECTORY/one/a.qcow2"/></testcase>
<testcase name="a suite &gt; fails too"><failure message="vm image"></failure></testcase></testsuites>`

  test('are taken apart by the names of failed tests', () => {
    const failures = vitestFramework.failuresIn(terminal)
    expect([...failures.keys()]).toEqual(['fails', 'a suite fails too'])
    expect(failures.get('fails')).toContain('DIRECTORY/one')
    expect(failures.get('fails')).not.toContain('of-stderr')
  })

  test('are taken apart in the words of Jest, Node and Playwright', () => {
    const jest = jestFramework.failuresIn(
      '  ✕ x\n\n  ● a suite › fails\n\n    why\n\n  ● fails too\n\n    because\n',
    )
    expect([...jest.keys()]).toEqual(['a suite fails', 'fails too'])
    expect(jest.get('a suite fails')).toContain('why')
    const node = nodeTestFramework.failuresIn(
      '✖ x (1ms)\n✖ failing tests:\n\ntest at a.js:1:1\n✖ fails (1.5ms)\n  why\n',
    )
    expect([...node]).toEqual([['fails', '  why\n']])
    const playwright = playwrightFramework.failuresIn(
      '  1) a.spec.ts:9:1 › a suite › fails ─────\n\n    why\n',
    )
    expect(playwright.get('a suite fails')).toContain('why')
    expect(playwright.size).toBe(1)
  })

  test('and a test without an end of its own in the junit report does not take the next one’s failure', async () => {
    await using dir = await tempDir()
    mkdirSync(join(dir.path, 'kept/one'), { recursive: true })
    const images = [{ path: join(dir.path, 'a.qcow2'), boot: 'none' }]
    writeFileSync(join(dir.path, 'kept/one/note.json'), JSON.stringify({ test: 'fails', attempt: 1, images }))
    const report = '<testcase name="passes"/><testcase name="fails"><failure>of no disk</failure></testcase>'
    const rows = keptRows('keep', readKept(dir.path), { terminal: '', junit: report }, nodeTestFramework)
    expect(rows.map(({ saw }) => saw)).toEqual([['fails, try 1'], 'no failed test', ['fails'], 'not each'])
  })

  test('and those that do not name what was kept are found', async () => {
    await using dir = await tempDir()
    for (const [name, title] of [
      ['one', 'keep.spec.ts > fails'],
      ['two', 'keep.spec.ts > a suite > fails too'],
    ] as const) {
      const path = join(dir.path, 'kept', name, 'a.qcow2')
      mkdirSync(join(dir.path, 'kept', name), { recursive: true })
      writeFileSync(path, '')
      const images = [
        { path, boot: name === 'one' ? `qemu-system-x86_64 -drive file=${path}` : 'qemu-img info' },
      ]
      writeFileSync(
        join(dir.path, 'kept', name, 'note.json'),
        JSON.stringify({ test: title, attempt: 1, images }),
      )
    }
    const of = (report: string) => report.replaceAll('DIRECTORY', join(dir.path, 'kept'))
    const rows = keptRows(
      'keep',
      readKept(dir.path),
      { terminal: of(terminal), junit: of(junit) },
      vitestFramework,
    )
    expect(rows.map(({ saw }) => saw)).toEqual([
      ['a suite fails too, try 1', 'fails, try 1'],
      ['a suite fails too'],
      ['a suite fails too'],
      'not each',
    ])
  })
})

describe('the table', () => {
  const good: CellResult = {
    name: 'vitest 5',
    version: '5.1.2',
    passed: 9,
    total: 9,
    seconds: 3.4,
    differences: [],
    notes: ['with help'],
  }
  const bad = {
    ...good,
    name: 'vitest 4',
    passed: 8,
    differences: [{ row: 'a row', text: 'saw 1' }],
    notes: [],
  }

  test('says of a cell what it is, how much of it is as expected, and for how long it took', () => {
    expect(cellLine(good).split(/\s{2,}/)).toEqual(['ok', 'vitest 5', '5.1.2', '9/9', '3 s'])
    expect(cellLine(bad)).toMatch(/^FAIL vitest 4 .* 8\/9 /)
    expect(differenceLines(bad).join()).toMatch(/a row\n +saw 1/)
  })

  test('ends in the notes and the sum', () => {
    const lines = table([good, bad]).split('\n')
    expect(lines).toHaveLength(6)
    expect(lines[3]).toMatch(/vitest 5: with help/)
    expect(lines[5]).toBe('2 cells, 17 of 18 checks as expected, 1 differ')
  })
})
