/** Node's own test runner in the matrix: it is as old as its Node, and has one mode. */
import { execFileSync } from 'node:child_process'
import type { ScenarioName } from '../conformance/expectations.js'
import { type Cell, type Framework, unavailable } from './framework.js'

const scenarios: readonly ScenarioName[] = [
  'semantics',
  'keep',
  'onUnavailable: skip',
  'ends of tests',
  'ends by signals',
  'watch',
]

const specs = (...names: readonly string[]) => names.map((name) => `${name}.spec.ts`)

export const nodeTestFramework: Framework = {
  name: 'node-test',
  cells: () =>
    ['20', '22', '24'].flatMap((node) =>
      (['es-modules', 'commonjs'] as const).map((language): Cell => ({
        name: `node-test node${node} ${language}`,
        framework: nodeTestFramework,
        version: node,
        node,
        pool: 'processes',
        setup: 'plugin',
        args: [],
        language,
        scenarios,
      })),
    ),
  canaries: () => [],
  // Nothing but ours.
  packages: () => [],
  versionOf: (_, node) => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1),
  folders: ['node-test'],
  command: ({ args }, { files, isWatching, junit, args: more = [] }) => [
    '--test',
    ...(isWatching ? ['--watch'] : []),
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    ...(junit === undefined ? [] : ['--test-reporter=junit', `--test-reporter-destination=${junit}`]),
    ...args,
    ...more,
    ...files,
  ],
  scenarios: {
    semantics: {
      files: specs('test', 'without-context', 'before-all', 'attempts', 'concurrent', 'hooks', 'refusals'),
      setup: 'plugin',
    },
    keep: { files: specs('keep', 'keep-file'), setup: 'plugin' },
    'onUnavailable: skip': { files: specs('unavailable'), setup: 'plugin', env: unavailable },
  },
  ends: { endings: 'ends.spec.ts', failing: 'bail.spec.ts', watching: 'watch.spec.ts' },
  failuresIn,
  // Those that Node expects nothing of: it ends with 1 when a test that is skipped throws.
  skippedIn: (output) => Number(/^ℹ todo (\d+)/m.exec(output)?.[1] ?? 0),
  titleOf: (test) => (test.split(' > ').at(-1) ?? '').replace(/\.[jt]s$/, ''),
  isShared: (test) => /\.spec\.[jt]s$/.test(test),
  place: ({ pool, node }, version) => ({ framework: 'node-test', version, node, pool }),
}

/** Under "failing tests:" at the end: `test at keep.spec.js:10:1`, `✖ fails (1.2ms)`, then the error. */
function failuresIn(output: string): ReadonlyMap<string, string> {
  const [, list = ''] = output.split('failing tests:')
  const failures = list.split(/^✖ /m).slice(1)
  return new Map(
    failures.map((text) => {
      const [title = '', ...rest] = text.split('\n')
      return [title.replace(/ \([\d.]+ms\).*$/, ''), rest.join('\n')]
    }),
  )
}
