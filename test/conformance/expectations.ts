/**
 * What useVmImage() promises, for all test frameworks: one row for each promise, named by a sentence, with what a scenario
 * of the framework must have seen. A framework that cannot keep one says so here, with the reason, and what is seen
 * there instead; nothing is left out in silence.
 *
 * The scenarios are beside this file, the runner is in test/matrix/. Each opens two disks, of a plain file and of a
 * system that was fetched before the tests, and 'there' means both.
 */
import { compareVersions } from '../../src/version.js'

export type Saw = string | number | readonly Saw[]

/** A cell of the matrix, as far as expectations depend on it. */
export interface Place {
  readonly framework: string
  /** `4.1.12` */
  readonly version: string
  /** The major version. */
  readonly node: string
  /** For Vitest the pool. */
  readonly pool: string
}

export interface Exception {
  readonly where: (place: Place) => boolean
  readonly saw: Saw
  readonly why: string
}

export interface Expectation {
  readonly row: string
  /** The phase of the test's life that it belongs to, or the part of the run. */
  readonly phase: string
  readonly saw: Saw
  readonly but?: readonly Exception[]
}

const before = (version: string) => (place: Place) =>
  place.framework === 'vitest' && compareVersions(place.version, version) < 0
const inThreads = ({ framework, pool }: Place) => framework === 'vitest' && /threads$/i.test(pool)

const inVmOfNode20 = ({ pool, node }: Place) => pool.startsWith('vm') && node === '20'

const noContextOfHooks = {
  where: before('4.1.0'),
  why: 'before aroundEach there is no telling it from a hook of the file, so the disk is the file’s',
} as const

/** Where a scenario runs once more under another option, its rows have that before them. */
const hookRows: readonly Expectation[] = [
  ...rows('test body', {
    'test: its disk is there': 'there',
    'test: its disk is there in afterEach': 'there',
    'test: its disk is there in an onTestFinished of before': 'there',
    'test: its disk is there in an onTestFinished of after': 'there',
    'test: its disk is gone before the next test': 'gone',
  }),
  ...rows('beforeEach', {
    'beforeEach: its disk is there in the test': 'there',
    'beforeEach: its disk is there in afterEach': 'there',
    'beforeEach: its disk is there in the cleanup it returns': 'there',
    'beforeEach: its disk is gone before the next test': 'gone',
  }),
  ...rows('fixture', {
    'fixture: its disk is there in the test': 'there',
    'fixture: its disk is there in its teardown': 'there',
    'fixture: its disk is gone before the next test': 'gone',
    'fixture vmImage: a disk is there in the test': 'there',
    'fixture vmImage: it is gone before the next test': 'gone',
    'fixture: each of 12 concurrent tests has its own disk to its end': 12,
    'fixture: after concurrent tests no disk is left': 'gone',
  }),
  ...rows('beforeAll', {
    'beforeAll: its disk is there in the first test': 'there',
    'beforeAll: its disk is there in the second test': 'there',
    'beforeAll: its disk and one of its own are there in a concurrent test': ['there', 'there'],
    'beforeAll: its disk is there in afterAll': 'there',
    'beforeAll: its disk is gone after the file': 'gone',
    'beforeAll of a suite: its disk is there in the test': 'there',
    'beforeAll of a suite: its disk is there in afterAll': 'there',
    'beforeAll of a suite that fails: its disk is gone after the file': 'gone',
    'beforeAll of a file that fails: its disk is gone after the file': 'gone',
  }),
  {
    row: 'afterAll that fails: the disk of the file is gone after the file',
    phase: 'beforeAll',
    saw: 'gone',
    but: [
      {
        where: before('4.1.0'),
        saw: 'there',
        why: 'before aroundAll, a hook of afterAll that fails is the last one of its file, so the disk goes with the run',
      },
    ],
  },
]

/** Everything that tests themselves can see. */
const semantics: readonly Expectation[] = [
  ...hookRows,
  ...['test.concurrent', 'test nested in a concurrent suite'].flatMap((name) =>
    rows('test.concurrent', {
      [`${name}: each of 12 tests has its own disks to its end`]: 12,
      [`${name}: no two calls give one disk`]: 0,
      [`${name}: no disk is left`]: 'gone',
    }),
  ),
  ...rows('module top level', {
    'module top level: refused': 'OUTSIDE_TEST',
    'body of describe: refused': 'OUTSIDE_TEST',
  }),
  ...rows('after its test ended', {
    'call in flight when its test times out: refused': 'TEST_FINISHED',
    'call in flight when its test times out: no disk is left': 0,
    'call in afterEach: refused': 'TEST_FINISHED',
    'call in onTestFinished: refused': 'TEST_FINISHED',
  }),
  ...['call after its test timed out: refused', 'call from what a test left running: refused'].map((row) => ({
    row,
    phase: 'after its test ended',
    saw: 'TEST_FINISHED',
    but: [{ ...noContextOfHooks, saw: 'a disk' }],
  })),
  ...['retry', 'repeats'].flatMap((name) =>
    rows('retry and repeats', {
      [`${name}: the disks of earlier tries are gone`]: ['gone', 'gone'],
      [`${name}: each of 3 tries has a fresh disk`]: 3,
      [`${name}: none is left`]: ['gone', 'gone', 'gone'],
    }),
  ),
  ...rows('other ends of a test', {
    'ctx.skip() after use: its disk is gone': 'gone',
    'expect.soft() failed before: a disk is there': 'there',
    'dispose(): its disk is gone at once': 'gone',
    'dispose() again: no error': 'none',
  }),
  ...Object.entries({
    'await using: its disk is there in the block': 'there',
    'await using: its disk is gone after the block': 'gone',
  }).map(([row, saw]) => ({
    row,
    phase: 'other ends of a test',
    saw,
    but: [
      {
        where: inVmOfNode20,
        saw: 'no Symbol.asyncDispose',
        why: 'Node 20 makes the symbol for its main context only, and these pools run tests in others',
      },
    ],
  })),
  ...rows('hooks that hang', {
    'beforeEach that times out: its disk is gone before the next test': 'gone',
    'afterEach that times out: the disk is gone before the next test': 'gone',
    'onTestFinished that times out: the disk is gone before the next test': 'gone',
    'afterEach that fails: the disk is gone before the next test': 'gone',
  }),
  ...rows('fake timers', {
    'fake timers: a disk is there': 'there',
    'fake timers: it is gone before the next test': 'gone',
  }),
]

const sequence = rows('test.concurrent', {
  'sequence.concurrent: tests do run at once': 'at once',
  'sequence.concurrent: each of 12 tests has its own disks to its end': 12,
  'sequence.concurrent: no disk is left': 'gone',
})

const withoutSetupFile = rows('without the setup file', {
  'without the setup file: a test has its disk': 'there',
  'without the setup file: it is gone before the next test': 'gone',
  'without the setup file: beforeAll is refused': 'OUTSIDE_TEST',
  'without the setup file: concurrent tests are refused': Array.from({ length: 4 }, () => 'AMBIGUOUS_TEST'),
  'without the setup file: with the context each of 3 concurrent tests has its own disk': 3,
  'without the setup file: none of these is left': 'gone',
})

const keep = rows('keep on failure', {
  'keep: the disks of these are kept, and of no others': [
    'concurrent number 2, try 1',
    'fails once, try 1',
    'fails softly, try 1',
    'fails, try 1',
    'the shared part of the file, try 1',
    'times out, try 1',
    'with a failing afterEach fails at the end, try 1',
  ],
  'keep: the path stands in the error of each failed test (default reporter)': 'in each',
  'keep: the path stands in the error of each failed test (junit reporter)': 'in each',
  'keep: the path of a disk of beforeAll stands in the output': 'there',
  'keep: note.json has a command that boots each kept disk': 'each',
})

const keepWithoutSetupFile = rows('keep on failure', {
  'keep without the setup file: the disks of these are kept, and of no others': ['fails, try 1'],
  'keep without the setup file: the path stands in the error of each failed test (default reporter)':
    'in each',
  'keep without the setup file: the path stands in the error of each failed test (junit reporter)': 'in each',
  'keep without the setup file: note.json has a command that boots each kept disk': 'each',
})

/** The ends of a run. `as without vmimage` is compared with the same project without it, in the same cell. */
export const endsOfTests = [
  'all tests pass',
  'a test fails',
  'beforeAll fails',
  'process.exit() in a test',
  'an uncaught exception',
  'an unhandled rejection',
  '--bail while another test has a disk',
] as const

export const endsBySignals = [
  'a worker is killed',
  'Ctrl-C',
  'SIGINT to main',
  'SIGTERM to main',
  'SIGHUP to main',
  'SIGTERM while a test spins',
  'Ctrl-C in watch mode',
  'Ctrl-C in watch mode while a test runs',
] as const

const endRows = (end: string): readonly Expectation[] => [
  { row: `${end}: the exit`, phase: 'ends of a run', saw: 'as without vmimage' },
  { row: `${end}: processes that live on`, phase: 'ends of a run', saw: 'no more than without vmimage' },
  {
    row: `${end}: left in the directories of runs`,
    phase: 'ends of a run',
    saw: 'nothing',
    ...(end === 'a worker is killed' && {
      but: [{ where: inThreads, saw: 'until the next start', why: 'a thread is killed with main' }],
    }),
  },
]

const killed = rows('ends of a run', {
  'SIGKILL to main: left in the directories of runs': 'until the next start',
})

const watch = rows('watch mode', {
  'watch: disks of the first turn are gone at the next': 'gone',
  'watch: the next turn has disks again': 'fresh',
})

const canary = rows('canary', {
  'canary: TestRunner.getCurrentTest() (vitest/suite before 4.1) is the test': 'the test',
  'canary: task.result.state in onTestFinished': 'pass',
  'canary: task.context has onTestFinished': 'function',
  'canary: a message changed in onTestFinished stands in the default report': 'there',
  'canary: a message changed in onTestFinished stands in the junit report': 'there',
})

/** By scenario. */
export const expectations = {
  semantics,
  'sequence.hooks=list': prefixed('sequence.hooks=list: ', hookRows),
  'sequence.hooks=parallel': prefixed('sequence.hooks=parallel: ', hookRows),
  'sequence.concurrent': sequence,
  'without the setup file': withoutSetupFile,
  keep,
  'keep without the setup file': keepWithoutSetupFile,
  'ends of tests': endsOfTests.flatMap(endRows),
  'ends by signals': [...endsBySignals.flatMap(endRows), ...killed],
  watch,
  canary,
} as const satisfies Record<string, readonly Expectation[]>

export type ScenarioName = keyof typeof expectations

function rows(phase: string, seen: Readonly<Record<string, Saw>>): readonly Expectation[] {
  return Object.entries(seen).map(([row, saw]) => ({ row, phase, saw }))
}

function prefixed(prefix: string, list: readonly Expectation[]): readonly Expectation[] {
  return list.map((expectation) => ({ ...expectation, row: prefix + expectation.row }))
}
