/**
 * Crash points: a scenario runs in a process that ends by SIGKILL at its k-th operation on the file system, before it,
 * in the middle of it (a write) or after it. Then the invariants are looked at, the scenario runs again undisturbed,
 * and they are looked at once more.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { makeContext } from '../../src/context.js'
import { cacheLayout } from '../../src/store/layout.js'
import { sweepOrphans } from '../../src/store/orphans.js'
import { namesIn } from '../../src/store/directory.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'
import { compileChildren } from './compile-children.js'
import { isDamagedBefore, type Scenario } from './crash-scenarios.js'
import { faultSite } from './fault-site.js'
import { brokenInvariants, type Directories, type Known, leftovers } from './invariants.js'
import type { Seeded } from './seeded.js'

export const sides = ['before', 'torn', 'after'] as const
export type Side = (typeof sides)[number]

export interface CrashPoint {
  /** The number of the operation, from 1. */
  readonly at: number
  readonly side: Side
}

export interface CrashLab extends AsyncDisposable {
  /** Runs the scenario undisturbed; every operation in order, `rename <from> -> <to>`, paths below the stage. */
  operations(scenario: Scenario): Promise<readonly string[]>
  /** Crashes there and recovers. What was wrong, as sentences, and whether the process came as far. */
  crash(scenario: Scenario, point: CrashPoint): Promise<CrashResult>
}

export interface CrashResult {
  readonly isReached: boolean
  readonly wrong: readonly string[]
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

const run = promisify(execFile)

export async function openCrashLab(): Promise<CrashLab> {
  const directory = await tempDir()
  const children = join(directory.path, 'children')
  await compileChildren(children, ['crash-points-preload', 'crash-points-child', 'fault-images'])
  const site = faultSite(2 ** 20)
  const mirror = await startMirror(site.files)
  const stagePath = join(directory.path, 'stage')
  const stage = { cacheDir: join(stagePath, 'cache'), overlayDir: join(stagePath, 'overlays') }
  const log = join(directory.path, 'log.json')
  const inUse = new Map<string, NonNullable<Known['inUse']>>()

  async function start(command: Scenario['command'], env: Readonly<Record<string, string>>): Promise<Ended> {
    const preload = join(children, 'crash-points-preload.js')
    const args = [
      '--import',
      preload,
      join(children, 'crash-points-child.js'),
      command,
      stagePath,
      mirror.url,
    ]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, CRASH_ROOTS: `${stage.cacheDir}:${stage.overlayDir}`, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = Promise.all([text(child.stdout), text(child.stderr)])
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null] // of 'close'
    return { code, signal, output: (await output).join('') }
  }

  /** Always at the same path, because kept disks and their marks hold it. */
  async function restore(scenario: Scenario): Promise<Known> {
    const template = join(directory.path, `template ${scenario.name}`)
    const foreign = foreignFiles(
      stage,
      Object.values(site.images).map(({ key }) => key),
    )
    rmSync(stagePath, { recursive: true, force: true })
    if (!existsSync(template)) {
      mkdirSync(stagePath, { recursive: true })
      for (const command of scenario.before) {
        const ended = await start(command, {})
        if (ended.code !== 0) throw new Error(`${scenario.name}: ${command} failed:\n${ended.output}`)
      }
      inUse.set(scenario.name, scenario.arrange(stage, site))
      for (const [path, content] of Object.entries(foreign)) {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        writeFileSync(path, content)
      }
      await run('cp', ['-a', stagePath, template])
    } else {
      // Not cpSync(): hard links and nanoseconds are what this is about.
      await run('cp', ['-a', template, stagePath])
    }
    return {
      foreign,
      inUse: inUse.get(scenario.name) ?? {},
      disks: { [site.images.packed.key]: site.images.packed.sha256 },
    }
  }

  return {
    async operations(scenario) {
      await restore(scenario)
      const ended = await start(scenario.command, { CRASH_LOG: log })
      if (ended.code !== 0) throw new Error(`${scenario.name} failed undisturbed:\n${ended.output}`)
      const lines = JSON.parse(readFileSync(log, 'utf8')) as readonly string[] // as the preload wrote it
      return lines.map((line) => line.replaceAll(`${stagePath}/`, ''))
    },
    async crash(scenario, { at, side }) {
      const known = await restore(scenario)
      const crashed = await start(scenario.command, { CRASH_AT: String(at), CRASH_SIDE: side })
      const image = scenario.image && site.images[scenario.image]
      const wrong = brokenInvariants(stage, known).filter(
        (sentence) => !(isDamagedBefore(scenario) && isOfDamage(sentence)),
      )
      const have = image && isPublished(stage, image.key) ? image.bytes.length : receivedBytes(stage)
      const servedBefore = image ? mirror.bytesServed(image.path) : 0
      const recovered = await start(scenario.command, {})
      const served = (image ? mirror.bytesServed(image.path) : 0) - servedBefore
      const mayServe = (image?.bytes.length ?? 0) - (isDamagedBefore(scenario) ? 0 : have)
      return {
        isReached: crashed.signal === 'SIGKILL',
        wrong: [
          ...wrong.map((sentence) => `after the crash, ${sentence}`),
          ...failureOf(crashed, 'the crash'),
          ...failureOf(recovered, 'the second try'),
          ...(image && !recovered.output.includes(image.sha256) ? ['the second try read other bytes'] : []),
          ...(image && served > mayServe
            ? [`${served} bytes came again where ${mayServe} were missing`]
            : []),
          ...brokenInvariants(stage, known).map((sentence) => `after the second try, ${sentence}`),
          ...leftAfterStart(stage).map((path) => `I9: after the second try, ${path} is left`),
        ],
      }
    },
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** What the start of the next run leaves: a day later, so that silence counts as well. */
function leftAfterStart(stage: Directories): readonly string[] {
  const later = Date.now() + 86_400_000
  sweepOrphans({ ...makeContext(stage, {}), now: () => later })
  return leftovers(stage)
}

/** Every operation on every side; torn is a side of writes only. */
export function allPoints(operations: readonly string[]): readonly CrashPoint[] {
  return operations.flatMap((operation, index) =>
    sides
      .filter((side) => side !== 'torn' || operation.startsWith('write '))
      .map((side) => ({ at: index + 1, side })),
  )
}

/** So many of them; with a `count` of 0 one of each kind of operation. */
export function samplePoints(
  operations: readonly string[],
  count: number,
  random: Seeded,
): readonly CrashPoint[] {
  const all = allPoints(operations)
  if (count > 0) return Array.from({ length: count }, () => random.pick(all))
  const kindOf = ({ at }: CrashPoint) => operations[at - 1]?.split(' ')[0]
  const kinds = [...new Set(all.map(kindOf))]
  return kinds.map((kind) => random.pick(all.filter((point) => kindOf(point) === kind)))
}

/** Files of other programs and other versions, where they could be in somebody's way. */
function foreignFiles(
  { cacheDir, overlayDir }: Directories,
  keys: readonly string[],
): Readonly<Record<string, string>> {
  const { versionDir, images, ingest, runs, locks } = cacheLayout(cacheDir)
  const places = [
    cacheDir,
    join(cacheDir, 'v2'),
    versionDir,
    join(images, 'foreign'),
    ingest,
    runs,
    locks,
    ...keys.map((key) => join(ingest, key)),
  ]
  const paths = [...places.map((place) => join(place, 'foreign.txt')), join(overlayDir, 'run', 'foreign.txt')]
  return Object.fromEntries(paths.map((path) => [path, 'not ours']))
}

function failureOf({ code, signal, output }: Ended, what: string): readonly string[] {
  return code === 0 || (signal === 'SIGKILL' && what === 'the crash')
    ? []
    : [`${what} failed: ${output.trim()}`]
}

/** The one sentence that such a scenario begins with. */
function isOfDamage(sentence: string): boolean {
  return /^I1: the (stamp|bytes) of /.test(sentence)
}

function isPublished({ cacheDir }: Directories, key: string): boolean {
  return existsSync(join(cacheLayout(cacheDir).images, key, 'meta.json'))
}

/** What the largest download on disk has, if it is known what it is of. */
function receivedBytes({ cacheDir }: Directories): number {
  const { ingest } = cacheLayout(cacheDir)
  const owned = namesIn(ingest)
    .filter((name) => name.startsWith('sha256-'))
    .flatMap((key) => namesIn(join(ingest, key)).map((owner) => join(ingest, key, owner)))
  const sizes = owned
    .filter((path) => isJson(join(path, 'state.json')))
    .map((path) => sizeOf(join(path, 'part')) ?? sizeOf(join(path, 'pub', 'disk')) ?? 0)
  return Math.max(0, ...sizes)
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

function isJson(path: string): boolean {
  try {
    JSON.parse(readFileSync(path, 'utf8'))
    return true
  } catch {
    return false // not there, or torn
  }
}
