/**
 * What useVmImage() promises, for all test frameworks: one row for each promise, named by a sentence, with what a scenario
 * of the framework must have seen. A framework that cannot keep one says so here, with the reason, and what is seen
 * there instead; nothing is left out in silence.
 *
 * The scenarios are beside this file, the runner is in test/matrix/. Each opens two disks, of a plain file and of a
 * system that was fetched before the tests, and 'there' means both.
 */
import { compareVersions } from '../../src/version.js'

export type FrameworkName = (typeof allFrameworks)[number]

export type Saw = string | number | readonly Saw[]

/** A cell of the matrix, as far as expectations depend on it. */
export interface Place {
  readonly framework: FrameworkName
  /** `4.1.12` */
  readonly version: string
  /** The major version. */
  readonly node: string
  /** For Vitest the pool; for others how tests are spread over processes. */
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
  /** Those that have such a phase. Default: all. */
  readonly frameworks?: readonly FrameworkName[]
}

const before = (version: string) => (place: Place) =>
  place.framework === 'vitest' && compareVersions(place.version, version) < 0
const inThreads = ({ pool }: Place) => /threads$/i.test(pool)

const inVmOfNode20 = ({ pool, node }: Place) => pool.startsWith('vm') && node === '20'

const inBand = ({ pool }: Place) => pool === 'in-band'
/** Playwright without our global setup: each worker has a run of its own. */
const onDemand = ({ pool }: Place) => pool === 'on demand'
const inNodeTest = ({ framework }: Place) => framework === 'node-test'

const allFrameworks = ['vitest', 'jest', 'node-test', 'playwright'] as const
/** Where useVmImage() can be called from anywhere; in Playwright the fixture is all there is, and a failed test ends its worker. */
const withFunctions = ['vitest', 'jest', 'node-test'] as const

const noContextOfHooks = {
  where: before('4.1.0'),
  why: 'before aroundEach there is no telling it from a hook of the file, so the disk is the file’s',
} as const

/** Where a scenario runs once more under another option, its rows have that before them. */
const testRows: readonly Expectation[] = [
  ...rows('test body', {
    'test: its disk is there': 'there',
    'test: its disk is there in afterEach': 'there',
    'test: its disk is gone before the next test': 'gone',
  }),
  ...only(
    ['vitest'],
    rows('test body', {
      'test: its disk is there in an onTestFinished of before': 'there',
      'test: its disk is there in an onTestFinished of after': 'there',
    }),
  ),
  ...rows('beforeEach', {
    'beforeEach: its disk is there in the test': 'there',
    'beforeEach: its disk is there in afterEach': 'there',
    'beforeEach: its disk is gone before the next test': 'gone',
  }),
  ...only(
    ['vitest'],
    rows('beforeEach', { 'beforeEach: its disk is there in the cleanup it returns': 'there' }),
  ),
  ...only(
    ['jest', 'node-test', 'playwright'],
    rows('beforeEach', {
      'beforeEach of an outer suite: its disk is there in the test': 'there',
      'beforeEach of an outer suite: its disk is gone before the next test': 'gone',
    }),
  ),
]

const fixtures = only(
  ['vitest', 'playwright'],
  rows('fixture', {
    'fixture: its disk is there in the test': 'there',
    'fixture: its disk is there in its teardown': 'there',
    'fixture: its disk is gone before the next test': 'gone',
    'fixture vmImage: a disk is there in the test': 'there',
    'fixture vmImage: it is gone before the next test': 'gone',
  }),
)

const concurrentFixtures = only(
  ['vitest'],
  rows('fixture', {
    'fixture: each of 12 concurrent tests has its own disk to its end': 12,
    'fixture: after concurrent tests no disk is left': 'gone',
  }),
)

const sharedDisks: readonly Expectation[] = [
  ...only(
    withFunctions,
    rows('beforeAll', {
      'beforeAll: its disk is there in the first test': 'there',
      'beforeAll: its disk is there in the second test': 'there',
      'beforeAll: its disk and one of its own are there in a concurrent test': ['there', 'there'],
      'beforeAll: its disk is there in afterAll': 'there',
      'beforeAll of a suite: its disk is there in the test': 'there',
      'beforeAll of a suite: its disk is there in afterAll': 'there',
    }),
  ),
  ...only(
    ['node-test'],
    rows('beforeAll', {
      'beforeAll with the context of the file: its disk is there in afterAll': 'there',
    }),
  ),
  // Playwright ends what is a test's with the hook that asked for it.
  ...only(
    ['playwright'],
    rows('beforeAll', {
      'beforeAll: refused': 'OUTSIDE_TEST',
      'afterAll: refused': 'OUTSIDE_TEST',
      'what beforeAll was given, called in a test: refused': 'TEST_FINISHED',
      'a disk of the test after that is there': 'there',
    }),
  ),
  // In node:test a file is a process and a run of its own, whose end is looked at after each scenario.
  ...only(
    ['vitest', 'jest'],
    rows('beforeAll', {
      'beforeAll: its disk is gone after the file': 'gone',
      'beforeAll of a suite that fails: its disk is gone after the file': 'gone',
      'beforeAll of a file that fails: its disk is gone after the file': 'gone',
    }),
  ),
  ...only(
    ['jest'],
    rows('beforeAll', {
      'beforeAll of a suite: its disk is there in a nested suite': 'there',
      'beforeAll of a suite: its disk is gone before the next suite': 'gone',
    }),
  ),
  {
    row: 'afterAll that fails: the disk of the file is gone after the file',
    phase: 'beforeAll',
    frameworks: ['vitest', 'jest'],
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

const hookRows = [...testRows, ...fixtures, ...concurrentFixtures, ...sharedDisks]

/** Everything that tests themselves can see. */
const semantics: readonly Expectation[] = [
  ...hookRows,
  ...only(withFunctions, concurrentRows('test.concurrent')),
  ...only(['vitest'], concurrentRows('test nested in a concurrent suite')),
  ...only(['jest'], concurrentRows('test.concurrent in a nested suite')),
  ...only(['node-test'], concurrentRows('test.concurrent without the context')),
  ...only(
    ['node-test'],
    rows('without the context', {
      'without the context: a test has its disk': 'there',
      'without the context: its disk is there in afterEach': 'there',
      'without the context: it is gone before the next test': 'gone',
      'without the context: the disk of beforeEach is there in the test': 'there',
      'without the context: the disk of beforeEach is gone before the next test': 'gone',
    }),
  ),
  ...only(
    withFunctions,
    ['module top level: refused', 'body of describe: refused'].map((row) => ({
      row,
      phase: 'module top level',
      saw: 'OUTSIDE_TEST',
      but: [
        {
          where: inNodeTest,
          saw: 'a disk',
          why: 'Node tells before() and the top of a file from nothing; the disk lives until the end of the file',
        },
      ],
    })),
  ),
  ...only(
    withFunctions,
    rows('after its test ended', {
      'call in flight when its test times out: refused': 'TEST_FINISHED',
      'call in flight when its test times out: no disk is left': 0,
    }),
  ),
  {
    row: 'call in afterEach: refused',
    phase: 'after its test ended',
    saw: 'TEST_FINISHED',
    frameworks: withFunctions,
    but: [
      {
        where: inNodeTest,
        saw: 'a disk',
        why: 'the context of a test says that it is over only after its hooks; the disk goes then',
      },
    ],
  },
  ...only(['vitest'], rows('after its test ended', { 'call in onTestFinished: refused': 'TEST_FINISHED' })),
  ...only(['jest'], rows('after its test ended', { 'call in afterAll: refused': 'TEST_FINISHED' })),
  ...(
    [
      ['call after its test timed out: refused', withFunctions],
      ['call from what a test left running: refused', allFrameworks],
    ] as const
  ).map(([row, frameworks]) => ({
    row,
    frameworks,
    phase: 'after its test ended',
    saw: 'TEST_FINISHED',
    but: [{ ...noContextOfHooks, saw: 'a disk' }],
  })),
  ...only(['vitest'], ['retry', 'repeats'].flatMap(retryRows)),
  ...only(['playwright'], retryRows('retry')),
  ...rows('other ends of a test', {
    'dispose(): its disk is gone at once': 'gone',
    'dispose() again: no error': 'none',
  }),
  ...only(
    ['vitest'],
    rows('other ends of a test', {
      'ctx.skip() after use: its disk is gone': 'gone',
      'expect.soft() failed before: a disk is there': 'there',
    }),
  ),
  ...only(
    ['playwright'],
    rows('other ends of a test', {
      'test.skip() after use: its disk is gone': 'gone',
      'test.fail(): its disk is gone before the next test': 'gone',
    }),
  ),
  ...only(
    ['node-test'],
    rows('other ends of a test', {
      'subtest: its disk and its parent’s are there': ['there', 'there'],
      'subtest: its disk is gone after it, its parent’s is there': ['gone', 'there'],
      't.skip() after use: its disk is gone': 'gone',
    }),
  ),
  ...only(
    ['jest'],
    rows('other ends of a test', {
      'test.failing: its disk is gone before the next test': 'gone',
      'test.skip: no disk is opened': 0,
      'test.skip and test.todo: what is remembered of them': 0,
      'test with done(): its disk is there': 'there',
      'test with done(): its disk is gone before the next test': 'gone',
    }),
  ),
  ...only(
    ['vitest'],
    Object.entries({
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
  ),
  ...only(
    ['jest'],
    ['jest.resetModules()', 'jest.isolateModules()'].flatMap((name) =>
      rows('several copies of the adapter', {
        [`${name}: disks by a second copy and by the first are there`]: ['there', 'there'],
        [`${name}: they are gone before the next test`]: 'gone',
      }),
    ),
  ),
  ...only(
    ['jest'],
    rows('test body', {
      'injected globals: a disk is there': 'there',
      'injected globals: it is gone before the next test': 'gone',
    }),
  ),
  ...only(
    withFunctions,
    rows('hooks that hang', {
      'beforeEach that times out: its disk is gone before the next test': 'gone',
      'afterEach that times out: the disk is gone before the next test': 'gone',
      'afterEach that fails: the disk is gone before the next test': 'gone',
    }),
  ),
  ...only(
    ['jest'],
    rows('other ends of a test', {
      'a frozen error: the next test runs': 'it does',
      'disks that cannot be kept: their test fails of that': 'NO_RUN',
      'disks that cannot be kept: the next test runs': 'it does',
      'shared disks that cannot be kept: the next suite runs': 'it does',
    }),
  ),
  ...only(
    ['vitest'],
    rows('hooks that hang', {
      'onTestFinished that times out: the disk is gone before the next test': 'gone',
    }),
  ),
  ...only(
    ['vitest', 'jest', 'node-test'],
    rows('fake timers', {
      'fake timers: a disk is there': 'there',
      'fake timers: it is gone before the next test': 'gone',
    }),
  ),
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

/** In every framework. */
const keptOfAll = [
  'fails once, try 1',
  'fails, try 1',
  'times out, try 1',
  'with a failing afterEach fails at the end, try 1',
]

const kept: Readonly<Record<FrameworkName, readonly string[]>> = {
  vitest: [
    ...keptOfAll,
    'concurrent number 2, try 1',
    'fails softly, try 1',
    'the shared part of the file, try 1',
  ],
  jest: [
    ...keptOfAll,
    'concurrent number 2, try 1',
    'passes though it should fail, try 1',
    'throws a DOMException, try 1',
    'throws a text, try 1',
    'throws an error without a message, try 1',
    'with a failing beforeAll, try 1',
  ],
  // It has no names of suites in its reports.
  'node-test': [
    // What before() opened; two disks that nothing says are of one file.
    'keep-file.spec, try 1',
    'keep-file.spec, try 1',
    'fails at the end, try 1',
    // Two disks that nothing says are of one test.
    'fails without its context, try 1',
    'fails without its context, try 1',
    'fails below, try 1',
    'fails, try 1',
    'number 2, try 1',
    'throws a text, try 1',
    'times out, try 1',
  ],
  playwright: [
    'fails softly, try 1',
    'fails, try 1',
    'times out, try 1',
    'with a failing afterEach fails at the end, try 1',
    'with another try fails once, try 1',
  ],
}

const keep: readonly Expectation[] = [
  ...Object.entries(kept).map(([framework, saw]) => ({
    row: 'keep: the disks of these are kept, and of no others',
    phase: 'keep on failure',
    saw: saw.toSorted(),
    frameworks: [framework as FrameworkName], // a key of the table
  })),
  ...rows('keep on failure', {
    'keep: the path stands in the error of each failed test (default reporter)': 'in each',
    'keep: the path stands in the error of each failed test (junit reporter)': 'in each',
    'keep: note.json has a command that boots each kept disk': 'each',
  }),
  ...only(
    ['node-test'],
    rows('keep on failure', { 'keep: the disk of a file is where it was in after()': 'there' }),
  ),
  ...only(
    withFunctions,
    rows('keep on failure', { 'keep: the path of a disk of beforeAll stands in the output': 'there' }),
  ),
]

/** A test, two tests after a beforeAll that has no image, and one that needs none. */
const onUnavailable = rows('onUnavailable', {
  'onUnavailable: skip: the exit': 'exit 0',
  'onUnavailable: skip: tests that count as skipped': 3,
  'onUnavailable: skip: the reason stands in the output': 'there',
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
  '--forceExit',
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

type End = (typeof endsOfTests)[number] | (typeof endsBySignals)[number]

/** Not in every framework. */
const endsOfSome: Readonly<Partial<Record<End, readonly FrameworkName[]>>> = {
  '--forceExit': ['jest'],
  // Node's runner has no such option, and Playwright's no such mode.
  '--bail while another test has a disk': ['vitest', 'jest', 'playwright'],
  'Ctrl-C in watch mode': withFunctions,
  'Ctrl-C in watch mode while a test runs': withFunctions,
}

/** Those of a list that there are in a cell. */
export function endsOf<E extends End>(list: readonly E[], { framework, pool }: Place): readonly E[] {
  return (
    list
      .filter((end) => endsOfSome[end]?.includes(framework) ?? true)
      // There is no other test then.
      .filter((end) => !(pool === 'in-band' && end === '--bail while another test has a disk'))
  )
}

const endRows = (end: End): readonly Expectation[] => [
  {
    row: `${end}: the exit`,
    phase: 'ends of a run',
    saw: 'as without vmimage',
    ...(end === spinning && {
      but: [{ where: inBand, saw: 'did not end in 90 s, without vmimage SIGTERM', why: spins }],
    }),
  },
  {
    row: `${end}: processes that live on`,
    phase: 'ends of a run',
    saw: 'no more than without vmimage',
    ...(end === spinning && { but: [{ where: inNodeTest, saw: '1, without vmimage 0', why: spins }] }),
  },
  {
    row: `${end}: left in the directories of runs`,
    phase: 'ends of a run',
    saw: 'nothing',
    but: leftBehind[end] ?? [],
  },
]

const spinning = 'SIGTERM while a test spins'
const spins = 'the process that runs the test listens for signals, and never comes to it while a test spins'
const livesOn = {
  where: inNodeTest,
  saw: 'those of a process that lives on',
  why: 'the process of the test file lives on, as it does without vmimage, and its run with it',
} as const

const leftBehind: Readonly<Partial<Record<End, readonly Exception[]>>> = {
  'a worker is killed': [
    { where: inThreads, saw: 'until the next start', why: 'a thread is killed with main' },
    { where: inBand, saw: 'until the next start', why: 'main runs the tests itself' },
    {
      where: inNodeTest,
      saw: 'until the next start',
      why: 'the process of a test file has a run of its own',
    },
  ],
  'SIGHUP to main': [livesOn],
  [spinning]: [
    { where: inBand, saw: 'until the next start', why: spins },
    { where: inNodeTest, saw: livesOn.saw, why: spins },
    {
      where: onDemand,
      saw: livesOn.saw,
      why: 'Playwright leaves a worker that spins, and its run is its own',
    },
  ],
}

const killed: readonly Expectation[] = [
  {
    row: 'SIGKILL to main: left in the directories of runs',
    phase: 'ends of a run',
    saw: 'until the next start',
    but: [
      livesOn,
      { where: onDemand, saw: 'nothing', why: 'workers see that main is gone, and each ends its own run' },
    ],
  },
]

const watch = rows('watch mode', {
  'watch: disks of the first turn are gone at the next': 'gone',
  'watch: the next turn has disks again': 'fresh',
})

const canary = [
  ...only(
    ['vitest'],
    rows('canary', {
      'canary: TestRunner.getCurrentTest() (vitest/suite before 4.1) is the test': 'the test',
      'canary: task.result.state in onTestFinished': 'pass',
      'canary: task.context has onTestFinished': 'function',
      'canary: a message changed in onTestFinished stands in the default report': 'there',
      'canary: a message changed in onTestFinished stands in the junit report': 'there',
    }),
  ),
  ...only(
    ['jest'],
    rows('canary', {
      'canary: the code of tests shares EVENT_HANDLERS with the runner': 'shared',
      'canary: a handler put before all others is told of the test': 'is told of',
      'canary: what it enters in test_start is there in the test': 'is told of',
      'canary: test.invocations is how often it was tried': '1',
      'canary: a message changed in test_done stands in the default report': 'there',
      'canary: a message changed in test_done stands in the junit report': 'there',
    }),
  ),
]

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
  'onUnavailable: skip': onUnavailable,
  retry: only(['jest'], retryRows('retry')),
  retryImmediately: retryRows('retryImmediately'),
  'fakeTimers.enableGlobally': prefixed('fakeTimers.enableGlobally: ', [
    ...testRows,
    ...concurrentRows('test.concurrent'),
    ...concurrentRows('test.concurrent in a nested suite'),
    ...rows('fake timers', {
      'a disk is there': 'there',
      'the clock does stand still': 'it does',
      'it is gone before the next test': 'gone',
    }),
  ]),
  'injectGlobals: false': prefixed('injectGlobals: false: ', [
    ...testRows,
    ...concurrentRows('test.concurrent'),
    ...concurrentRows('test.concurrent in a nested suite'),
  ]),
  'open handles': [
    ...prefixed('open handles: ', [
      ...testRows,
      ...concurrentRows('test.concurrent'),
      ...concurrentRows('test.concurrent in a nested suite'),
    ]),
    ...rows('after the run', { 'open handles: those that Jest finds after a run': 'none' }),
  ],
  'setupFiles imports vmimage/jest': rows('refusals', {
    'setupFiles: the first test is refused': 'UNSUPPORTED_RUNNER',
    'setupFiles: the next test has its disk': 'there',
  }),
  'Jest before 30': rows('refusals', { 'Jest before 30: refused': 'UNSUPPORTED_RUNNER' }),
} as const satisfies Record<string, readonly Expectation[]>

export type ScenarioName = keyof typeof expectations

function rows(phase: string, seen: Readonly<Record<string, Saw>>): readonly Expectation[] {
  return Object.entries(seen).map(([row, saw]) => ({ row, phase, saw }))
}

/** Rows with frameworks of their own, inside, keep those. */
function only(
  frameworks: readonly FrameworkName[] | undefined,
  list: readonly Expectation[],
): readonly Expectation[] {
  return frameworks === undefined ? list : list.map((expectation) => ({ frameworks, ...expectation }))
}

function concurrentRows(name: string): readonly Expectation[] {
  return rows('test.concurrent', {
    [`${name}: each of 12 tests has its own disks to its end`]: 12,
    [`${name}: no two calls give one disk`]: 0,
    [`${name}: no disk is left`]: 'gone',
  })
}

function retryRows(name: string): readonly Expectation[] {
  return rows('retry and repeats', {
    [`${name}: the disks of earlier tries are gone`]: ['gone', 'gone'],
    [`${name}: each of 3 tries has a fresh disk`]: 3,
    [`${name}: none is left`]: ['gone', 'gone', 'gone'],
  })
}

function prefixed(prefix: string, list: readonly Expectation[]): readonly Expectation[] {
  return list.map((expectation) => ({ ...expectation, row: prefix + expectation.row }))
}
