/** Jest in the matrix: both ends of the range, in one process, in worker processes and in threads, in four languages. */
import type { ScenarioName } from '../conformance/expectations.js'
import { type Cell, type Framework, unavailable } from './framework.js'
import type { Language } from './language.js'

const versions = [
  { label: '30.0.0', version: '30.0.0' },
  { label: '30', version: '^30.0.0' },
] as const

const nodes = ['20', '22', '24'] as const

const pools = {
  'in-band': ['-i'],
  // With that limit Jest never runs few or fast tests itself.
  workers: ['-w', '2', '--workerIdleMemoryLimit=8GB'],
  threads: ['-w', '2', '--workerIdleMemoryLimit=8GB', '--workerThreads'],
} as const
type Pool = keyof typeof pools

const semantics: readonly ScenarioName[] = ['semantics', 'keep']
const options: readonly ScenarioName[] = [
  'retry',
  'retryImmediately',
  'fakeTimers.enableGlobally',
  'injectGlobals: false',
  'open handles',
  'setupFiles imports vmimage/jest',
  'onUnavailable: skip',
]

/** Each pool on each Node, where it shows most: the rest differs by what compiles, which no pool changes. */
const cells = (): readonly Cell[] => [
  ...versions.flatMap(({ label, version }) =>
    nodes.flatMap((node) =>
      (Object.keys(pools) as Pool[]) // those of the table
        .filter((pool) => label === '30' || (node === '20' && pool !== 'threads') || node === '24')
        .map((pool) =>
          cell(label, version, node, pool, 'commonjs', [
            'canary',
            ...semantics,
            ...options,
            ...(node === '22' ? [] : (['ends of tests', 'ends by signals', 'watch'] as const)),
          ]),
        ),
    ),
  ),
  ...(['es-modules', 'typescript by ts-jest', 'typescript by babel-jest'] as const).flatMap((language) =>
    (['20', '24'] as const).map((node) =>
      cell('30', '^30.0.0', node, 'workers', language, ['canary', ...semantics, ...options]),
    ),
  ),
  cell('30.0.0', '30.0.0', '22', 'workers', 'es-modules', semantics),
  cell('29', '^29.0.0', '20', 'workers', 'commonjs', ['Jest before 30']),
]

const specs = (...names: readonly string[]) => names.map((name) => `${name}.spec.ts`)

export const jestFramework: Framework = {
  name: 'jest',
  cells,
  canaries: (tags) =>
    ['latest', 'next']
      .filter((tag) => tags.includes(tag))
      .map((version) => ({
        ...cell(version, version, '24', 'workers', 'commonjs', ['canary']),
        name: `jest ${version} node24 canary`,
        setup: 'control',
      })),
  packages: (version) => [
    // Jest 29 is no peer of ours, which npm would say before Jest does.
    ...(version.startsWith('^29') ? ['--legacy-peer-deps'] : []),
    `jest@${version}`,
    `@jest/globals@${version}`,
    `babel-jest@${version}`,
    'jest-junit@^17.0.0',
    'ts-jest@^29.4.0',
    'typescript@~5.9.0',
    '@babel/core@^7.27.0',
    '@babel/preset-env@^7.27.0',
    '@babel/preset-typescript@^7.27.0',
    '@types/node@^20.19.0',
  ],
  folders: ['jest', 'canary/jest'],
  command: ({ pool, language, args }, { isWatching, bail, args: more = [] }) => [
    ...(language === 'es-modules' ? ['--experimental-vm-modules'] : []),
    'node_modules/jest/bin/jest.js',
    ...pools[pool as Pool], // by cell()
    ...args,
    ...(isWatching ? ['--watchAll'] : []),
    ...(bail ? ['--bail'] : []),
    ...more,
  ],
  scenarios: {
    canary: { files: specs('canary'), setup: 'control' },
    semantics: {
      files: specs(
        'test',
        'before-all',
        'before-all-concurrent',
        'before-all-fails',
        'after-all-fails',
        'attempts',
        'concurrent',
        'copies',
        'ends-badly',
        'globals',
        'hooks',
        'refusals',
      ),
      setup: 'watched',
    },
    retry: { files: specs('retry'), setup: 'plugin', env: { RETRY: 'retry' } },
    retryImmediately: { files: specs('retry'), setup: 'plugin', env: { RETRY: 'retryImmediately' } },
    'fakeTimers.enableGlobally': {
      files: specs('fake-timers', 'test', 'concurrent'),
      setup: 'plugin',
      env: { FAKE_TIMERS: '1', PREFIX: 'fakeTimers.enableGlobally: ' },
    },
    'injectGlobals: false': {
      files: specs('test', 'concurrent'),
      setup: 'plugin',
      env: { GLOBALS: 'off', PREFIX: 'injectGlobals: false: ' },
    },
    'open handles': {
      files: specs('test', 'concurrent'),
      setup: 'plugin',
      env: { PREFIX: 'open handles: ' },
      args: ['--detectOpenHandles'],
    },
    'onUnavailable: skip': { files: specs('unavailable'), setup: 'plugin', env: unavailable },
    'setupFiles imports vmimage/jest': { files: specs('early'), setup: 'early' },
    keep: { files: specs('keep', 'keep-retry'), setup: 'plugin' },
    'Jest before 30': { files: specs('unsupported'), setup: 'plugin' },
  },
  ends: { endings: 'ends.spec.ts', failing: 'bail.spec.ts', watching: 'watch.spec.ts' },
  failuresIn,
  skippedIn: (output) => Number(/^Tests: .*?(\d+) skipped/m.exec(output)?.[1] ?? 0),
  isShared: (test) => test.endsWith('with a failing beforeAll'),
  changesIn: 'test_done',
  place: ({ pool, node }, version) => ({ framework: 'jest', version, node, pool }),
}

function cell(
  label: string,
  version: string,
  node: string,
  pool: Pool,
  language: Language,
  scenarios: readonly ScenarioName[],
): Cell {
  return {
    name: `jest ${label} node${node} ${pool} ${language}`,
    framework: jestFramework,
    version,
    node,
    pool,
    setup: 'plugin',
    args: [],
    language,
    scenarios,
  }
}

/** `  ● a suite › a test`, then the error, up to the next one. */
function failuresIn(output: string): ReadonlyMap<string, string> {
  const failures = output.split(/^ {2}● /m).slice(1)
  return new Map(
    failures.map((text) => {
      const [title = '', ...rest] = text.split('\n')
      return [title.trim().replaceAll(' › ', ' '), rest.join('\n')]
    }),
  )
}
