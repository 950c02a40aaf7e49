/**
 * Which files a runner can take for tests, by its own configuration: where the search for the images that tests name
 * begins. What they import is found from there, and what no test of this run leads to shall cause no download.
 */
import { dirname, resolve } from 'node:path'
import picomatch from 'picomatch'
import { systemErrorCode } from '../errors.js'
import { findSources } from '../scan/find-sources.js'

/** What is used of Jest's own `Config.GlobalConfig`. */
export interface JestGlobalConfig {
  readonly rootDir: string
  /** Paths of directories or of configuration files, or configurations. */
  readonly projects?: readonly (string | { readonly rootDir?: string })[]
  /** What was typed behind `jest`. */
  readonly testPathPatterns?: {
    toExecutor(options: { readonly rootDir: string }): { isMatch(path: string): boolean }
  }
  /** True: what was typed are the files that changed, or the tests themselves. */
  readonly findRelatedTests?: boolean
  readonly runTestsByPath?: boolean
}

/** What is used of Jest's own `Config.ProjectConfig`; of the one project whose configuration a global setup is given. */
export interface JestProjectConfig {
  readonly rootDir: string
  readonly roots: readonly string[]
  readonly testMatch?: readonly string[]
  readonly testRegex?: readonly (string | RegExp)[]
  readonly testPathIgnorePatterns?: readonly string[]
  readonly setupFilesAfterEnv?: readonly string[]
}

/** What is used of Playwright's own `FullProject`. */
export interface PlaywrightProject {
  readonly testDir: string
  readonly testMatch: Patterns
  readonly testIgnore: Patterns
}

type Patterns = string | RegExp | readonly (string | RegExp)[]

/**
 * Of the project that is given what matches its patterns and was asked for; of the others, whose patterns Jest does not
 * tell, all sources that were asked for.
 */
export async function jestTestFiles(
  global: JestGlobalConfig,
  project: JestProjectConfig,
): Promise<readonly string[]> {
  const isTest = jestTestMatcher(project)
  const others = (global.projects ?? [])
    .map((other) => projectDirectory(global.rootDir, other))
    .filter((directory) => directory !== project.rootDir)
  const [own, foreign] = await Promise.all([sourcesIn(project.roots), sourcesIn(others)])
  const isAsked = askedMatcher(global)
  const hooks = (project.setupFilesAfterEnv ?? []).filter((file) => !/[\\/]node_modules[\\/]/.test(file))
  return [...new Set([...own.filter(isTest), ...foreign])].filter(isAsked).concat(hooks)
}

export async function playwrightTestFiles(
  projects: readonly PlaywrightProject[],
): Promise<readonly string[]> {
  const files = await Promise.all(
    projects.map(async ({ testDir, testMatch, testIgnore }) => {
      const [isTest, isIgnored] = [playwrightMatcher(testMatch), playwrightMatcher(testIgnore)]
      return (await sourcesIn([testDir])).filter((file) => isTest(file) && !isIgnored(file))
    }),
  )
  return [...new Set(files.flat())]
}

type Matcher = (path: string) => boolean

/** As SearchSource of @jest/core and globsToMatcher of jest-util decide it (30.5, read 2026-11). */
export function jestTestMatcher({
  testMatch = [],
  testRegex = [],
  testPathIgnorePatterns = [],
}: Omit<JestProjectConfig, 'rootDir' | 'roots'>): Matcher {
  const globs = testMatch.map((glob) => ({
    isMatch: picomatch(glob, { dot: true }),
    isNegated: glob.startsWith('!'),
  }))
  const regexes = testRegex.map((regex) => new RegExp(regex))
  const ignored = testPathIgnorePatterns.map((pattern) => new RegExp(pattern))
  return (path) =>
    isKept(path, globs) &&
    (regexes.length === 0 || regexes.some((regex) => regex.test(path))) &&
    !ignored.some((pattern) => pattern.test(path))
}

interface Glob {
  readonly isMatch: Matcher
  readonly isNegated: boolean
}

/** The last glob that says something about a path counts; where all say what is not wanted, the rest is. */
function isKept(path: string, globs: readonly Glob[]): boolean {
  const said = globs.findLast(({ isMatch, isNegated }) => isMatch(path) !== isNegated)
  return said === undefined ? globs.every(({ isNegated }) => isNegated) : !said.isNegated
}

/** As createFileMatcher of Playwright decides it (1.65, read 2026-11). */
export function playwrightMatcher(patterns: Patterns): Matcher {
  const list = [patterns].flat() as readonly (string | RegExp)[] // flat() of a readonly array keeps it as an element's type
  const globs = list.filter((pattern) => typeof pattern === 'string')
  const regexes = list.filter((pattern) => typeof pattern !== 'string').map((regex) => withoutPlace(regex))
  const isMatched = picomatch(
    globs.map((glob) => (glob.startsWith('**/') ? glob : `**/${glob}`)),
    { dot: true, nocase: true },
  )
  return (path) => isMatched(path) || regexes.some((regex) => regex.test(path))
}

/** One with `g` or `y` goes on where it was. */
function withoutPlace(regex: RegExp): RegExp {
  return new RegExp(regex.source, regex.flags.replaceAll(/[gy]/g, ''))
}

/** Of files that changed Jest looks for tests by itself; the names of tests may have signs that a pattern gives a meaning. */
function askedMatcher({
  rootDir,
  testPathPatterns,
  findRelatedTests,
  runTestsByPath,
}: JestGlobalConfig): Matcher {
  if (findRelatedTests || runTestsByPath || testPathPatterns === undefined) return () => true
  const executor = testPathPatterns.toExecutor({ rootDir })
  return (path) => executor.isMatch(path)
}

function projectDirectory(rootDir: string, project: string | { readonly rootDir?: string }): string {
  if (typeof project !== 'string')
    return resolve(rootDir, (project.rootDir ?? '.').replace('<rootDir>', rootDir))
  return /\.(?:[cm]?[jt]s|json)$/.test(project) ? dirname(project) : project
}

async function sourcesIn(directories: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    [...new Set(directories)].map((directory) => findSources(directory).catch(none)),
  )
  return [...new Set(found.flat())]
}

/** A directory that is not there has no tests, which the runner says itself. */
function none(error: unknown): readonly string[] {
  if (systemErrorCode(error) === 'ENOENT') return []
  throw error
}
