import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  jestTestFiles,
  jestTestMatcher,
  playwrightMatcher,
  playwrightTestFiles,
} from '../../src/adapters/test-files.js'
import { type TempDir, tempDir } from '../support/temp-dir.js'

async function tree(...files: readonly string[]): Promise<TempDir> {
  const directory = await tempDir()
  for (const file of files) {
    mkdirSync(dirname(join(directory.path, file)), { recursive: true })
    writeFileSync(join(directory.path, file), '')
  }
  return directory
}

const below = ({ path }: TempDir, files: readonly string[]) =>
  files.map((file) => relative(path, file)).toSorted()

const defaults = ['**/__tests__/**/*.?([mc])[jt]s?(x)', '**/?(*.)+(spec|test).?([mc])[jt]s?(x)']

/** As Jest has it: each pattern a regular expression, looked for in the path from the root. */
const typed = (...patterns: readonly string[]) => ({
  toExecutor: ({ rootDir }: { readonly rootDir: string }) => ({
    isMatch: (path: string) => patterns.some((pattern) => new RegExp(pattern).test(relative(rootDir, path))),
  }),
})

describe('jestTestMatcher()', () => {
  test.each([
    ['/p/a.test.ts', true],
    ['/p/.hidden/a.spec.mjs', true],
    ['/p/__tests__/a.js', true],
    ['/p/test.js', true],
    ['/p/src/a.ts', false],
    ['/p/node_modules/x/a.test.js', false],
  ])('takes %s by the patterns of Jest itself: %s', (path, isTest) => {
    const matcher = jestTestMatcher({ testMatch: defaults, testPathIgnorePatterns: ['/node_modules/'] })
    expect(matcher(path)).toBe(isTest)
  })

  test.each([
    [['**/*.js', '!**/b.js'], '/p/b.js', false],
    [['!**/b.js', '**/*.js'], '/p/b.js', true],
    [['!**/b.js'], '/p/a.js', true],
    [['!**/b.js'], '/p/b.js', false],
  ])('reads %j in order, so %s is a test: %s', (testMatch, path, isTest) => {
    expect(jestTestMatcher({ testMatch })(path)).toBe(isTest)
  })

  test('takes regular expressions, as texts and as they are', () => {
    const matcher = jestTestMatcher({ testMatch: [], testRegex: ['\\.it\\.js$', /\.e2e\.js$/] })
    expect(['/a.it.js', '/a.e2e.js', '/a.test.js'].map(matcher)).toEqual([true, true, false])
  })
})

describe('jestTestFiles()', () => {
  const files = ['a/one.test.js', 'a/two.test.js', 'a/tool.js', 'a/hooks.js', 'b/three.js', 'c/four.test.js']

  test('begins with the tests of the project, the sources of the others, and what is set up for each test', async () => {
    await using root = await tree(...files)
    const project = {
      rootDir: join(root.path, 'a'),
      roots: [join(root.path, 'a')],
      testMatch: defaults,
      setupFilesAfterEnv: [join(root.path, 'a/hooks.js'), join(root.path, 'node_modules/x/setup.js')],
    }
    const projects = [join(root.path, 'a'), join(root.path, 'b/jest.config.js'), join(root.path, 'not-there')]
    const found = await jestTestFiles({ rootDir: root.path, projects }, project)
    expect(below(root, found)).toEqual(['a/hooks.js', 'a/one.test.js', 'a/two.test.js', 'b/three.js'])
  })

  test('leaves out what was not asked for, but not where the files that changed were', async () => {
    await using root = await tree(...files)
    const project = { rootDir: root.path, roots: [join(root.path, 'a')], testMatch: defaults }
    const asked = { rootDir: root.path, testPathPatterns: typed('two') }
    expect(below(root, await jestTestFiles(asked, project))).toEqual(['a/two.test.js'])
    const changed = await jestTestFiles({ ...asked, findRelatedTests: true }, project)
    expect(below(root, changed)).toEqual(['a/one.test.js', 'a/two.test.js'])
  })

  test('finds a project that is a configuration inside the list', async () => {
    await using root = await tree(...files)
    const project = { rootDir: join(root.path, 'a'), roots: [join(root.path, 'a')], testMatch: ['**/no'] }
    const found = await jestTestFiles({ rootDir: root.path, projects: [{ rootDir: '<rootDir>/b' }] }, project)
    expect(below(root, found)).toEqual(['b/three.js'])
  })
})

describe('playwrightMatcher()', () => {
  const standard = '**/*.@(spec|test).?(c|m)[jt]s?(x)'
  test.each([
    [standard, '/p/.a/b.spec.ts', true],
    [standard, '/p/b.test.mjs', true],
    [standard, '/p/b.ts', false],
    ['deep/*.ts', '/p/Deep/b.ts', true],
    [/\.e2e\.ts$/g, '/p/b.e2e.ts', true],
    [['a.ts', /b\.ts$/], '/p/b.ts', true],
    [[], '/p/b.spec.ts', false],
  ])('of %o takes %s: %s', (patterns, path, isTest) => {
    const matcher = playwrightMatcher(patterns)
    expect([matcher(path), matcher(path)]).toEqual([isTest, isTest])
  })
})

test('playwrightTestFiles() has the tests of all projects, wherever they are, and each once', async () => {
  await using root = await tree(
    'a/one.spec.ts',
    'a/two.setup.ts',
    'a/tool.ts',
    'b/three.spec.ts',
    'b/old/x.spec.ts',
  )
  const project = (testDir: string, testMatch: string | RegExp, testIgnore: readonly string[] = []) => ({
    testDir: join(root.path, testDir),
    testMatch,
    testIgnore,
  })
  const found = await playwrightTestFiles([
    project('a', '**/*.spec.ts'),
    project('a', /one\.spec|\.setup\.ts$/),
    project('b', '**/*.spec.ts', ['**/old/**']),
  ])
  expect(below(root, found)).toEqual(['a/one.spec.ts', 'a/two.setup.ts', 'b/three.spec.ts'])
})
