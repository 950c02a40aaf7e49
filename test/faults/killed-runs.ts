/**
 * Runs of a test suite whose main process is killed with SIGKILL at a random moment, one after the other, while another
 * run lives beside them on the same cache. What the dead leave has to be gone once the next one has begun, and the living
 * may lose nothing.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { cacheLayout } from '../../src/store/layout.js'
import { judge, parseOwner } from '../../src/store/owner.js'
import { discardImage, listImages } from '../../src/store/store.js'
import { openProject, type VitestProject } from '../adapters/vitest-project.js'
import { type Mirror, startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'

export interface KilledRunsReport {
  readonly killed: number
  /** Runs that had ended when their moment came. */
  readonly ended: number
  /** Starts after which it was looked for what dead runs had left. */
  readonly looks: number
  /** What dead runs had left when they were killed: overlays, leases, partials, locks. */
  readonly leftBehind: number
  /** What of it was still there when the next run had begun, or at the end: names of files. */
  readonly remaining: readonly string[]
  /** How often the run beside looked at its disk and at its base, and whether it passed in the end. */
  readonly beside: { readonly looks: number; readonly passed: boolean; readonly output: string }
}

interface Stage extends AsyncDisposable {
  readonly mirror: Mirror
  readonly env: Readonly<Record<string, string>>
  readonly cacheDir: string
  readonly overlayDir: string
  readonly project: VitestProject
  readonly beside: VitestProject
}

const images = ['debian:13', 'fedora']
const fedora =
  '/dl.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/x86_64/images/Fedora-Cloud-Base-Generic-44-1.7.x86_64.qcow2'

/**
 * @param runs how many are to be killed.
 * @param random numbers from 0 to 1: the moments, as parts of the time that a whole run takes.
 */
export async function killRuns(runs: number, random: () => number): Promise<KilledRunsReport> {
  await using stage = await openStage()
  const wholeMs = [await measureRun(stage, 0), await measureRun(stage, 1)]
  const beside = stage.beside.start([], stage.env)
  await beside.said(/opened .*\.qcow2/)
  const counts = { killed: 0, ended: 0, looks: 0, leftBehind: 0 }
  const remaining: string[] = []
  let left: readonly string[] = []
  for (let run = 0; counts.killed < runs; run += 1) {
    prepareRun(stage, run)
    const vitest = stage.project.start([], stage.env)
    const begun = vitest.said(/opened .*\.qcow2/).then(
      () => true,
      () => false,
    )
    const over = await Promise.race([
      delay(random() * (wholeMs[run % 2] ?? 0), 'time'),
      vitest.ended.then(() => 'ended'),
    ])
    vitest.child.kill('SIGKILL')
    await vitest.ended
    counts[over === 'ended' ? 'ended' : 'killed'] += 1
    if (await begun) {
      counts.looks += 1
      remaining.push(...left.filter((path) => existsSync(path)))
      left = []
    }
    const dead = ofDeadRuns(stage)
    counts.leftBehind += dead.filter((path) => !left.includes(path)).length
    left = dead
  }
  const last = await stage.project.run([], stage.env)
  if (last.code !== 0) throw new Error(`The run after the killed ones failed:\n${last.output}`)
  remaining.push(...ofDeadRuns(stage))
  writeFileSync(join(stage.beside.path, 'over'), '')
  const { code, output } = await beside.ended
  const looks = Number(readFileSync(join(stage.beside.path, 'looks'), 'utf8'))
  return { ...counts, remaining, beside: { looks, passed: code === 0, output } }
}

async function openStage(): Promise<Stage> {
  const directory = await tempDir()
  const site = join(directory.path, 'site')
  mkdirSync(site)
  const { config } = await publishSmallImages(site)
  const mirror = await startMirror(site)
  const [cacheDir, overlayDir] = [join(directory.path, 'cache'), join(directory.path, 'overlays')]
  const project = await openProject('killed')
  for (const copy of [2, 3, 4]) {
    cpSync(join(project.path, 'worker-1.spec.ts'), join(project.path, `worker-${copy}.spec.ts`))
  }
  const beside = await openProject('beside')
  return {
    mirror,
    cacheDir,
    overlayDir,
    project,
    beside,
    env: {
      IMAGES: images.join(' '),
      VMIMAGE_MIRROR: mirror.url,
      VMIMAGE_CONFIG: config,
      VMIMAGE_CACHE_DIR: cacheDir,
      VMIMAGE_OVERLAY_DIR: overlayDir,
    },
    async [Symbol.asyncDispose]() {
      for (const resource of [beside, project, mirror, directory]) await resource[Symbol.asyncDispose]()
    },
  }
}

/** How long such a run takes when it is not killed. */
async function measureRun(stage: Stage, run: number): Promise<number> {
  prepareRun(stage, run)
  const start = performance.now()
  const { code, output } = await stage.project.run([], stage.env)
  if (code !== 0) throw new Error(`The suite does not even pass when nobody kills it:\n${output}`)
  return performance.now() - start
}

/** Every other run has something to download, slowly. */
function prepareRun({ cacheDir, mirror }: Stage, run: number): void {
  if (run % 2 !== 0) return
  const layout = cacheLayout(cacheDir)
  for (const { key, meta } of listImages(layout)) if (meta.name === 'Fedora') discardImage(layout, key)
  mirror.fail(fedora, { trickle: { bytes: 65_536, everyMs: 50 } })
}

/** Everything in the cache and beside it that names an owner who is dead. */
function ofDeadRuns({ cacheDir, overlayDir }: Stage): readonly string[] {
  return [cacheDir, overlayDir].flatMap((top) =>
    (existsSync(top) ? readdirSync(top, { recursive: true, encoding: 'utf8' }) : [])
      .map((name) => join(top, name))
      .filter((path) => isOfDead(path)),
  )
}

/** By its own name, that of a directory above it not counted; the record beside a lock names its owner inside. */
function isOfDead(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const owners = name.endsWith('.owner.json') ? readIfThere(path) : name
  return [...owners.matchAll(/[\da-f]{8}-[\da-f]{8}-\d+-\d+-\d+-[\da-f]{8}/g)].some(([text]) => {
    const owner = parseOwner(text)
    return owner !== undefined && judge(owner) === 'dead'
  })
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
