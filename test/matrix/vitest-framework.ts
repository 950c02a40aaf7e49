/** Vitest in the matrix: its versions, pools and ways to set vmimage up. */
import type { ScenarioName } from '../conformance/expectations.js'
import { type Cell, type Framework, unavailable } from './framework.js'

/** Vitest 5 needs Node 22.12. */
const versions = [
  { label: '3.2.0', version: '3.2.0', node: '20' },
  { label: '3.2', version: '~3.2.0', node: '20' },
  { label: '4.0', version: '~4.0.0', node: '20' },
  { label: '4.1', version: '~4.1.0', node: '20' },
  { label: '5', version: '^5.0.0', node: '24' },
] as const

/** In the vm pools each file has a context of its own whatever isolate says. */
const pools = [
  { pool: 'forks', args: [] },
  { pool: 'forks', args: ['--no-isolate'] },
  { pool: 'threads', args: [] },
  { pool: 'threads', args: ['--no-isolate'] },
  { pool: 'vmForks', args: [] },
  { pool: 'vmThreads', args: [] },
] as const

const all: readonly ScenarioName[] = [
  'canary',
  'semantics',
  'sequence.hooks=list',
  'sequence.hooks=parallel',
  'sequence.concurrent',
  'keep',
  'onUnavailable: skip',
  'ends of tests',
  'ends by signals',
  'watch',
]

const setups: readonly { readonly setup: string; readonly scenarios: readonly ScenarioName[] }[] = [
  { setup: 'plugin', scenarios: all },
  { setup: 'by hand', scenarios: ['semantics', 'sequence.concurrent'] },
  { setup: 'no setup file', scenarios: ['without the setup file', 'keep without the setup file'] },
  { setup: 'projects that extend', scenarios: ['semantics'] },
  { setup: 'inline projects', scenarios: ['semantics'] },
  { setup: 'inline projects under a plugin', scenarios: ['semantics'] },
]

const specs = (...names: readonly string[]) => names.map((name) => `${name}.spec.ts`)
const underHooks = specs('test', 'fixtures', 'before-all', 'before-all-fails', 'after-all-fails')

export const vitestFramework: Framework = {
  name: 'vitest',
  cells: () =>
    versions.flatMap(({ label, version, node }) =>
      setups
        .filter(({ setup }) => isKnown(setup, label))
        .flatMap(({ setup, scenarios }) =>
          pools.map(({ pool, args }): Cell => ({
            name: [`vitest ${label}`, `node${node}`, setup, pool, ...args.map((arg) => arg.slice(2))].join(
              ' ',
            ),
            framework: vitestFramework,
            version,
            node,
            pool,
            setup,
            args,
            // What ends a process ends it whatever runs in it, and takes longest.
            scenarios: scenarios.filter((name) => !name.startsWith('ends ') || args.length === 0),
          })),
        ),
    ),
  canaries: (tags) =>
    ['latest', 'next', 'beta']
      .filter((tag) => tags.includes(tag))
      .map((version) => ({
        name: `vitest ${version} node24 canary`,
        framework: vitestFramework,
        version,
        node: '24',
        pool: 'forks',
        setup: 'control',
        args: [],
        scenarios: ['canary'],
      })),
  packages: (version) => [`vitest@${version}`],
  folders: ['vitest', 'canary/vitest'],
  command: ({ pool, args }, { isWatching, bail, junit }) => [
    'node_modules/vitest/vitest.mjs',
    isWatching ? '--watch' : 'run',
    `--pool=${pool}`,
    ...args,
    '--reporter=default',
    ...(bail ? ['--bail=1'] : []),
    ...(junit === undefined ? [] : ['--reporter=junit', `--outputFile.junit=${junit}`]),
  ],
  scenarios: {
    canary: { files: specs('canary'), setup: 'control' },
    semantics: {
      files: [...underHooks, ...specs('attempts', 'concurrent', 'hooks', 'refusals')],
      setup: 'plugin',
    },
    'sequence.hooks=list': {
      files: underHooks,
      setup: 'plugin',
      env: { HOOKS: 'list', PREFIX: 'sequence.hooks=list: ' },
    },
    'sequence.hooks=parallel': {
      files: underHooks,
      setup: 'plugin',
      env: { HOOKS: 'parallel', PREFIX: 'sequence.hooks=parallel: ' },
    },
    'sequence.concurrent': { files: specs('sequence'), setup: 'plugin', env: { SEQUENCE: 'concurrent' } },
    'without the setup file': { files: specs('without-setup-file'), setup: 'no setup file' },
    'onUnavailable: skip': { files: specs('unavailable'), setup: 'plugin', env: unavailable },
    keep: { files: specs('keep'), setup: 'plugin' },
    'keep without the setup file': { files: specs('keep-one'), setup: 'no setup file' },
  },
  ends: { endings: 'ends.spec.ts', failing: 'bail.spec.ts', watching: 'watch.spec.ts' },
  failuresIn,
  skippedIn: (output) => Number(/^ *Tests .*?(\d+) skipped/m.exec(output)?.[1] ?? 0),
  changesIn: 'onTestFinished',
  place: ({ pool, node }, version) => ({ framework: 'vitest', version, node, pool }),
}

/** Before 5, projects that do not extend the configuration hear nothing of its plugins. */
function isKnown(setup: string, label: string): boolean {
  return setup !== 'inline projects under a plugin' || label === '5'
}

/** ` FAIL  keep.spec.ts > a suite > a test`, then the error; what was printed while tests ran stands before all of them. */
function failuresIn(output: string): ReadonlyMap<string, string> {
  const failures = output.split(/^ ?FAIL +/m).slice(1)
  return new Map(
    failures.map((text) => {
      const [title = '', ...rest] = text.split('\n')
      return [title.trim().split(' > ').slice(1).join(' '), rest.join('\n')]
    }),
  )
}
