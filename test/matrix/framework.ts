/**
 * What the matrix knows of a test framework: one record. A cell is one version of it on one version of Node in one mode;
 * everything else (installing, running, comparing, printing) is the same for all frameworks.
 */
import type { FrameworkName, Place, ScenarioName } from '../conformance/expectations.js'
import type { Installation } from './installation.js'
import type { Language } from './language.js'

/** Where the scenario files of a run are and what the framework is told; the same words for every framework. */
export interface RunOptions {
  /** The files to run, of the framework's folder in test/conformance/. */
  readonly files: readonly string[]
  /** How vmimage gets into the project, in the words of the framework's configuration file; `control`: not at all. */
  readonly setup: string
  readonly env?: Readonly<Record<string, string>>
  /** Stay, and run again what changes. */
  readonly isWatching?: boolean
  /** End at the first failure. */
  readonly bail?: boolean
  /** A file for a report in JUnit's format, besides the one on the terminal. */
  readonly junit?: string
  /** More arguments for the framework. */
  readonly args?: readonly string[]
}

export interface Cell {
  /** `vitest 4.1 node20 plugin forks`; unique. */
  readonly name: string
  readonly framework: Framework
  /** As npm is asked for it: `3.2.0`, `~4.1.0`. */
  readonly version: string
  /** The major version. */
  readonly node: string
  readonly pool: string
  readonly setup: string
  /** More arguments for the framework. */
  readonly args: readonly string[]
  /** What the project is written in. Default: TypeScript, as it is. */
  readonly language?: Language
  readonly scenarios: readonly ScenarioName[]
}

export interface Framework {
  readonly name: FrameworkName
  readonly cells: () => readonly Cell[]
  /** The versions whose changes are wanted to be known of early, among those that the registry has a tag for. */
  readonly canaries: (tags: readonly string[]) => readonly Cell[]
  /** Default: that of the package of the framework's name. */
  readonly versionOf?: (installation: Installation, node: string) => string
  /** For `npm install`. */
  readonly packages: (version: string) => readonly string[]
  /** The folders of test/conformance/ whose files a project of it consists of. */
  readonly folders: readonly string[]
  /** What Node runs, in the project's directory. */
  readonly command: (cell: Cell, options: RunOptions) => readonly string[]
  readonly scenarios: Readonly<Partial<Record<ScenarioName, RunOptions>>>
  /** The files by which runs end in all ways; see ends.ts. */
  readonly ends: { readonly endings: string; readonly failing: string; readonly watching: string }
  /** Of the terminal's report: what it says of each failed test, by the names of its suites and itself. */
  readonly failuresIn: (output: string) => ReadonlyMap<string, string>
  /** Of the terminal's report: how many tests count as skipped. */
  readonly skippedIn: (output: string) => number
  /** The name of a kept disk's test as reports have it. Default: without the file, with blanks between its suites. */
  readonly titleOf?: (test: string) => string
  /**
   * Whether a kept disk, by its test's name, was not one test's alone. Default: it has only the file's
   * name. `none`: there are no such disks, or they are never kept.
   */
  readonly isShared?: 'none' | ((test: string) => boolean)
  /** Where the canary changes the message of a failed test, in the framework's words. */
  readonly changesIn?: string
  /** From where the tests are not run at once: a pool of threads dies with main. */
  readonly place: (cell: Cell, version: string) => Place
}

/** For tests of which some ask for an image that the cache does not have and the network cannot give. */
export const unavailable = {
  VMIMAGE_OFFLINE: '1',
  VMIMAGE_ON_UNAVAILABLE: 'skip',
  VMIMAGE_IMAGES: 'ubuntu:24.04',
} as const
