/** Playwright Test in the matrix, as a runner: with the global setup and without, and no browser. */
import type { ScenarioName } from '../conformance/expectations.js'
import { type Cell, type Framework, unavailable } from './framework.js'

const scenarios: readonly ScenarioName[] = [
  'semantics',
  'keep',
  'onUnavailable: skip',
  'ends of tests',
  'ends by signals',
]

/** Without the global setup each worker has a run of its own, and fetches what a test asks for. */
const setups = ['plugin', 'on demand'] as const

const places = [
  { label: '1.50', version: '~1.50.0', node: '20', language: 'typescript by playwright' },
  { label: '1', version: '^1.60.0', node: '20', language: 'es-modules' },
  { label: '1', version: '^1.60.0', node: '20', language: 'commonjs' },
  { label: '1', version: '^1.60.0', node: '24', language: 'typescript' },
] as const

const specs = (...names: readonly string[]) => names.map((name) => `${name}.spec.ts`)

export const playwrightFramework: Framework = {
  name: 'playwright',
  cells: () =>
    places.flatMap(({ label, version, node, language }) =>
      setups.map((setup): Cell => ({
        name: `playwright ${label} node${node} ${setup} ${language}`,
        framework: playwrightFramework,
        version,
        node,
        pool: setup,
        setup,
        args: [],
        language,
        scenarios,
      })),
    ),
  canaries: () => [],
  packages: (version) => [`@playwright/test@${version}`, '@types/node@^20.19.0'],
  versionOf: (installation) => installation.versionOf('@playwright/test'),
  folders: ['playwright'],
  command: ({ args }, { bail, args: more = [] }) => [
    'node_modules/@playwright/test/cli.js',
    'test',
    ...args,
    ...(bail ? ['-x'] : []),
    ...more,
  ],
  scenarios: {
    semantics: { files: specs('test', 'fixtures', 'attempts', 'retry', 'refusals'), setup: 'plugin' },
    keep: { files: specs('keep'), setup: 'plugin' },
    'onUnavailable: skip': { files: specs('unavailable'), setup: 'plugin', env: unavailable },
  },
  ends: { endings: 'ends.spec.ts', failing: 'bail.spec.ts', watching: 'ends.spec.ts' },
  failuresIn,
  skippedIn: (output) => Number(/^ +(\d+) skipped/m.exec(output)?.[1] ?? 0),
  isShared: 'none',
  place: ({ pool, node }, version) => ({ framework: 'playwright', version, node, pool }),
}

/** `  1) keep.spec.ts:9:1 › a suite › a test ────`, then the error of each try. */
function failuresIn(output: string): ReadonlyMap<string, string> {
  const failures = output.split(/^ +\d+\) /m).slice(1)
  return new Map(
    failures.map((text) => {
      const [title = '', ...rest] = text.split('\n')
      const names = title
        .replace(/[ ─]+$/, '')
        .split(' › ')
        .slice(1)
      return [names.join(' '), rest.join('\n')]
    }),
  )
}
