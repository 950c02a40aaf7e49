/**
 * The project of one cell: a directory inside of the installation with the scenario files of its framework, directories
 * of its own for the cache, and runs of the framework in it.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import type { Place } from '../conformance/expectations.js'
import { isKept } from '../../src/store/lease.js'
import { type Child, startChild } from './child.js'
import type { Cell, RunOptions } from './framework.js'
import { nameIn, writeIn } from './language.js'

const conformance = fileURLToPath(new URL('../conformance/', import.meta.url))

/** Files of one run. */
export interface Traces {
  /** What scenarios saw. */
  readonly observed: string
  /** A line from each test that has come as far as it was to come. */
  readonly ready: string
  /** When this is there a test that waits may end. */
  readonly go: string
  readonly overlays: string
}

export interface Project {
  readonly cell: Cell
  readonly place: Place
  readonly directory: string
  /** Where a file of test/conformance/ is. */
  fileOf(file: string): string
  start(name: string, options: RunOptions): { readonly child: Child; readonly traces: Traces }
  /** Directories of runs, in the cache and among the overlays of that run. */
  runDirectories(traces: Traces): readonly string[]
}

export interface ProjectOptions {
  readonly place: Place
  readonly directory: string
  /** The Node that runs it. */
  readonly node: string
  readonly nodeModules: string
  readonly mirrorUrl: string
}

export function makeProject(
  cell: Cell,
  { place, directory, node, nodeModules, mirrorUrl }: ProjectOptions,
): Project {
  mkdirSync(directory, { recursive: true })
  for (const folder of cell.framework.folders) {
    cpSync(join(conformance, folder), directory, { recursive: true, dereference: true })
  }
  const { language = 'typescript' } = cell
  writeIn(language, directory)
  if (!existsSync(join(directory, 'node_modules'))) symlinkSync(nodeModules, join(directory, 'node_modules'))
  const image = join(directory, 'system.qcow2')
  writeFileSync(image, smallQcow2(cell.name))
  const cache = join(directory, 'cache')
  return {
    cell,
    place,
    directory,
    fileOf: (file) => join(directory, nameIn(language, file)),
    start: (name, options) => {
      const own = join(directory, 'runs', name.replaceAll(/[^\w.]+/g, '-'))
      mkdirSync(own, { recursive: true })
      const traces = {
        observed: join(own, 'observed'),
        ready: join(own, 'ready'),
        go: join(own, 'go'),
        overlays: join(own, 'overlays'),
      }
      const env = {
        ...cleanEnvironment(),
        VMIMAGE_CACHE_DIR: cache,
        VMIMAGE_OVERLAY_DIR: traces.overlays,
        VMIMAGE_MIRROR: mirrorUrl,
        VMIMAGE_KEEP: 'never',
        IMAGE: image,
        SETUP: options.setup,
        FILES: options.files.map((file) => nameIn(language, file)).join(' '),
        LANGUAGE: language,
        JUNIT: options.junit ?? '',
        OBSERVED: traces.observed,
        AFTER_FILES: join(own, 'after-files'),
        READY: traces.ready,
        GO: traces.go,
        ...options.env,
      }
      const args = cell.framework.command(cell, {
        ...options,
        files: options.files.map((file) => nameIn(language, file)),
      })
      const child = startChild(node, args, { cwd: directory, env, log: join(own, 'output') })
      return { child, traces }
    },
    runDirectories: ({ overlays }) => {
      const leases = join(cache, 'v1/run')
      // What is kept needs its base image.
      return [
        ...namesIn(leases).filter((name) => !isKept(join(leases, name))),
        ...namesIn(join(overlays, 'run')),
      ]
    },
  }
}

export function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

export function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** Without what tells a process that it runs under a test runner or in CI, or where the caller's own cache is. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(VITEST|JEST|VMIMAGE_|NODE_ENV$|NODE_OPTIONS$|TEST$|FORCE_COLOR$|CI$|GITHUB_|npm_)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), NO_COLOR: '1' }
}
