/**
 * The law of the house. Folders have a rank: a file imports from its own folder and from lower ranks only. Each npm
 * package enters by one door. Change the tables in the commit that needs it, and say why there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Rank of each folder of src/. Files of src/ itself and http/ are the leaves and may know each other; index.ts is on top of all. */
const ranks = {
  '.': 0,
  http: 0,
  providers: 1,
  request: 2,
  signature: 2,
  pages: 2,
  scan: 3,
  resolve: 3,
  fetch: 3,
  qcow2: 3,
  store: 3,
  image: 4,
  run: 5,
  doctor: 5,
  vm: 6,
  config: 6,
  adapters: 7,
  cli: 7,
} as const

/** The files by which each package may be imported. */
const doors: Readonly<Record<string, readonly string[]>> = {
  undici: ['http/http.ts'],

  'fastest-levenshtein': ['providers/index.ts', 'config/check-config.ts'],
  htmlparser2: ['pages/html-links.ts'],
  openpgp: ['signature/openpgp.ts'],
  'xz-decompress': ['fetch/decompress.ts'],
  'proper-lockfile': ['store/lock.ts'],
  picomatch: ['adapters/test-files.ts'],
  'tmp-promise': ['signature/gpgv.ts'],
  '@babel/parser': ['scan/syntax.ts'],
  '@babel/types': ['scan/syntax.ts'],
  vitest: ['adapters/vitest*.ts'],
  '@playwright/test': ['adapters/playwright.ts'],
  commander: ['cli/main.ts'],
  'cli-progress': ['cli/progress.ts'],
}

/** What a test's worker loads must stay light: from these entries, none of these may be reached without a dynamic import. */
const warmEntries = [
  'adapters/vitest.ts',
  'adapters/vitest-setup.ts',
  'adapters/jest.ts',
  'image/overlay.ts',
  'run/scope.ts',
]
const heavy =
  /^(undici|proper-lockfile|htmlparser2|xz-decompress|tmp-promise|openpgp|@babel\/parser)$|^(resolve|pages|fetch|signature|scan)\//

const src = new URL('../src/', import.meta.url).pathname
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

interface Import {
  readonly from: string
  /** A file of src/, or the name of a package. */
  readonly to: string
  readonly isLocal: boolean
  readonly isType: boolean
  readonly isLazy: boolean
}

const imports = files.flatMap(importsOf)

function importsOf(file: string): readonly Import[] {
  const code = readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
  const eager = [...code.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[\w*{][^'";]*?from\s+)?'([^']+)'/gm)]
  const lazy = [...code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)]
  return [
    ...eager.map(([, type, to = '']) => importOf(file, to, { isType: type !== undefined, isLazy: false })),
    ...lazy.map(([, to = '']) => importOf(file, to, { isType: false, isLazy: true })),
  ].filter((found) => !found.to.startsWith('node:'))
}

function importOf(
  from: string,
  to: string,
  how: { readonly isType: boolean; readonly isLazy: boolean },
): Import {
  if (!to.startsWith('.')) return { from, to: packageName(to), isLocal: false, ...how }
  return {
    from,
    to: relative(src, join(src, dirname(from), to)).replace(/\.js$/, '.ts'),
    isLocal: true,
    ...how,
  }
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function rankOf(file: string): number {
  if (file === 'index.ts') return 8
  const folder = dirname(file)
  return folder in ranks ? ranks[folder as keyof typeof ranks] : Number.NaN // the test below names a folder without rank
}

function brokenRank({ from, to, isLocal }: Import): readonly string[] {
  const areLeaves = rankOf(from) === 0 && rankOf(to) === 0
  if (!isLocal || areLeaves || dirname(from) === dirname(to) || rankOf(to) < rankOf(from)) return []
  return [`${from} (${rankOf(from)}) -> ${to} (${rankOf(to)})`]
}

function brokenDoor({ from, to, isLocal }: Import): readonly string[] {
  const isOpen = isLocal || doors[to]?.some((door) => isDoor(door, from))
  return isOpen ? [] : [`${from} -> ${to}`]
}

/** A `*` in a door stands for the rest of a family of files. */
function isDoor(door: string, file: string): boolean {
  const [start = '', end] = door.split('*')
  return end === undefined ? door === file : file.startsWith(start) && file.endsWith(end)
}

describe('the house', () => {
  test('every folder of src/ has a rank', () => {
    expect(files.filter((file) => Number.isNaN(rankOf(file)))).toEqual([])
  })

  test('a file imports its own folder and lower ranks only', () => {
    expect(imports.flatMap(brokenRank)).toEqual([])
  })

  test.each([
    ['a neighbour', 'store/store.ts', 'qcow2/create.ts'],
    ['a higher rank', 'store/store.ts', 'image/overlay.ts'],
    ['a folder, from a leaf', 'errors.ts', 'store/store.ts'],
    ['the public surface', 'cli/main.ts', 'index.ts'],
  ])('the law forbids an import of %s', (_, from, to) => {
    expect(brokenRank({ from, to, isLocal: true, isType: true, isLazy: false })).toHaveLength(1)
  })

  test('each package enters by its door', () => {
    expect(imports.flatMap(brokenDoor)).toEqual([])
  })

  test.each([
    ['a package by another file', 'fetch/download.ts', 'undici'],
    ['a package without a door', 'http/http.ts', 'axios'],
  ])('the law forbids %s', (_, from, to) => {
    expect(brokenDoor({ from, to, isLocal: false, isType: false, isLazy: true })).toHaveLength(1)
  })

  test('every door is used', () => {
    const packages = imports.filter(({ isLocal }) => !isLocal)
    const unused = Object.entries(doors).flatMap(([name, by]) =>
      by.filter((door) => !packages.some(({ from, to }) => to === name && isDoor(door, from))),
    )
    expect(unused).toEqual([])
  })

  test.each(warmEntries)("a worker's warm path loads nothing heavy: %s", (entry) => {
    const reached = new Set([entry])
    for (const file of reached) {
      for (const { from, to, isType, isLazy } of imports) {
        if (from === file && !isType && !isLazy) reached.add(to)
      }
    }
    expect([...reached].filter((file) => heavy.test(file))).toEqual([])
  })

  test('every local import names a file that exists', () => {
    const missing = imports.filter(({ isLocal, to }) => isLocal && !files.includes(to))
    expect(missing).toEqual([])
  })

  test('no file is longer than 250 lines', () => {
    const long = files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 251)
    expect(long).toEqual([])
  })

  test('only environment.ts knows the environment', () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(readFileSync(join(src, file), 'utf8')))
    expect(readers).toEqual(['environment.ts'])
  })

  test('timers are those of node:timers, which no test can fake', () => {
    const timers = /(?<!\.)\b(?:setTimeout|setInterval|clearTimeout|clearInterval)\(/
    const fakeable = files.filter((file) => {
      const code = readFileSync(join(src, file), 'utf8')
      return timers.test(code) && !/from 'node:timers(?:\/promises)?'/.test(code)
    })
    expect(fakeable).toEqual([])
  })

  test('only VmImageError and TypeError are thrown', () => {
    // HttpFault never leaves http/; AggregateError is how JavaScript throws several errors at once.
    const forbidden = /throw new (?!VmImageError|TypeError|HttpFault|AggregateError)\w+/
    const throwers = files.filter((file) => forbidden.test(readFileSync(join(src, file), 'utf8')))
    expect(throwers).toEqual([])
  })
})
