/**
 * The fuzz: several processes use one cache while they are killed and stopped, their downloads broken and falsified, the
 * images evicted, locks and downloads removed under them. All decisions come from one seed. What it counts is at the
 * end; what may not happen at all is in `failures`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { tempDir } from '../support/temp-dir.js'
import { compileChildren } from './compile-children.js'
import { faultSite } from './fault-site.js'
import { systemNames } from './fault-images.js'
import { type Reply, startFuzzMirror } from './fuzz-mirror.js'
import { type FuzzTarget, targetOf } from './fuzz-target.js'
import { type Crew, startCrew } from './fuzz-crew.js'
import { type Seeded, seeded } from './seeded.js'

export const modes = ['lock', 'nolock', 'naive'] as const
export type Mode = (typeof modes)[number]

export interface FuzzOptions {
  readonly mode: Mode
  readonly seed: number
  readonly seconds: number
  /** Goes on, for up to ten times as long and 100 s, until this is true of what was counted. Default: it always is. */
  readonly isEnough?: (counts: FuzzCounts) => boolean
  /** Stops longer than the lock's stale time (30 s) too. Default false. */
  readonly longStops?: boolean
}

export interface FuzzCounts {
  /** Images opened, read twice and given back. */
  uses: number
  kills: number
  stops: number
  evictions: number
  collections: number
  lockRemovals: number
  ingestRemovals: number
  /** Uses that read a wrong byte. */
  corruptUses: number
  /** Published images looked at, and those of them that were wrong. */
  publishedChecks: number
  corruptPublished: number
  publishes: number
  bytesServed: number
  /** Downloads that began while another living process was downloading the same image. */
  duplicates: number
  /** Those of them that nobody's removal of locks explains. */
  unexplainedDuplicates: number
  brokenReplies: number
  flippedReplies: number
  /** Errors that workers got because the network was as bad as that. */
  expectedErrors: number
}

export interface FuzzResult {
  readonly counts: FuzzCounts
  /** Bytes served for each byte published. */
  readonly servedRatio: number
  /** What must not happen, as sentences. */
  readonly failures: readonly string[]
}

const workers = 5
const imageBytes = 40 * 65_536
const rates = { cut: 0.17, flip: 0.06, stall: 0.02 }

const none: FuzzCounts = {
  uses: 0,
  kills: 0,
  stops: 0,
  evictions: 0,
  collections: 0,
  lockRemovals: 0,
  ingestRemovals: 0,
  corruptUses: 0,
  publishedChecks: 0,
  corruptPublished: 0,
  publishes: 0,
  bytesServed: 0,
  duplicates: 0,
  unexplainedDuplicates: 0,
  brokenReplies: 0,
  flippedReplies: 0,
  expectedErrors: 0,
}

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { mode, seed } = options
  const random = seeded(seed)
  const counts = { ...none }
  const failures: string[] = []
  await using directory = await tempDir()
  const children = join(directory.path, 'children')
  await compileChildren(children, [
    'fault-images',
    'fuzz-store',
    'fuzz-worker',
    'lockless',
    'naive-cache',
    'seeded',
  ])
  const work = join(directory.path, 'work')
  mkdirSync(work)
  const site = faultSite(imageBytes)
  const target = targetOf(mode, work, site)
  const crewOf = (): Crew => crew
  await using mirror = await startFuzzMirror(site, rates, random.fork('mirror'), (reply, others) =>
    countReply(reply, others, crewOf(), counts, failures, mode),
  )
  await using crew = startCrew({
    mode,
    children,
    work,
    site,
    mirror,
    size: workers,
    random: random.fork('workers'),
  })
  crew.onEvent((event, worker) => {
    if (event.type === 'use') {
      counts.uses += 1
      if (event.wrong.length > 0) counts.corruptUses += 1
      failures.push(...event.wrong.map((what) => `a worker read wrong bytes: ${what}`))
    }
    if (event.type !== 'error') return
    if (isToBeExpected(event.code, mirror.replies, worker)) counts.expectedErrors += 1
    else failures.push(`worker ${worker.number} got ${event.code}: ${event.message}`)
  })
  const isOver = overAfter(options, counts)
  await Promise.all([
    kill(crew, random.fork('kill'), counts, isOver),
    stop(crew, random.fork('stop'), counts, isOver, options.longStops ?? false),
    evict(target, random.fork('evict'), counts, failures, isOver),
    removeLocks(target, random.fork('locks'), counts, isOver, crew),
    removeIngests(target, random.fork('ingests'), counts, isOver),
  ])
  failures.push(...(await crew.end()))
  for (const name of systemNames) checkPublished(target, name, counts, failures)
  failures.push(...target.wrongAtTheEnd())
  counts.bytesServed = mirror.replies.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
  const published =
    counts.publishes * (site.images.plain.bytes.length + site.images.packed.bytes.length) * 0.5
  return { counts, servedRatio: counts.bytesServed / published, failures }
}

/** Whether a living process was at the same image already, and whether somebody took its lock from it. */
function countReply(
  reply: Reply,
  others: readonly Reply[],
  crew: Crew,
  counts: FuzzCounts,
  failures: string[],
  mode: Mode,
): void {
  if (['cut', 'reset', 'stall'].includes(reply.fault)) counts.brokenReplies += 1
  if (reply.fault === 'flip') counts.flippedReplies += 1
  const living = others.filter((other) => other.worker !== reply.worker && crew.isAlive(other))
  if (living.length === 0) return
  counts.duplicates += 1
  const since = Math.min(...[reply, ...living].map(({ worker }) => crew.openedAt(worker)))
  if (crew.locksRemovedAt > since) return
  counts.unexplainedDuplicates += 1
  if (mode === 'lock')
    failures.push(`worker ${reply.worker} downloaded ${reply.path} beside ${living[0]?.worker}`)
}

/** A download gives up after five answers without progress, or when the publisher's only server sends wrong bytes. */
function isToBeExpected(
  code: string,
  replies: readonly Reply[],
  { number, openedAt }: { readonly number: number; readonly openedAt: number },
): boolean {
  const own = replies.filter((reply) => reply.worker === number && reply.startedAt >= openedAt)
  if (code === 'DIGEST_MISMATCH') return own.some(({ fault }) => fault === 'flip')
  if (code === 'NETWORK') return own.filter(({ fault }) => fault !== 'none').length >= 5
  return false
}

type IsOver = () => boolean

/** A busy machine gets more time: what counts is what was done. */
function overAfter(options: FuzzOptions, counts: FuzzCounts): IsOver {
  const { seconds, isEnough = () => true } = options
  const startedAt = performance.now()
  return () => {
    const gone = (performance.now() - startedAt) / 1000
    return gone > Math.max(10 * seconds, 100) || (gone > seconds && isEnough(counts))
  }
}

async function kill(crew: Crew, random: Seeded, counts: FuzzCounts, isOver: IsOver): Promise<void> {
  while (!isOver()) {
    await delay(random.between(300, 500))
    if (crew.kill(random)) counts.kills += 1
  }
}

/** For less than a heartbeat mostly, for more than one now and then; longer than it takes to lose a lock if asked to. */
async function stop(
  crew: Crew,
  random: Seeded,
  counts: FuzzCounts,
  isOver: IsOver,
  isLong: boolean,
): Promise<void> {
  while (!isOver()) {
    await delay(random.between(300, 1500))
    const [dice, number, short] = [random.next(), random.between(0, workers - 1), random.between(100, 1500)]
    const ms = dice < 0.05 && isLong ? 33_000 : dice < 0.15 ? 6000 : short
    crew.signal(number, 'SIGSTOP')
    counts.stops += 1
    const end = performance.now() + ms
    while (performance.now() < end && !isOver()) await delay(50)
    crew.signal(number, 'SIGCONT')
  }
}

async function evict(
  target: FuzzTarget,
  random: Seeded,
  counts: FuzzCounts,
  failures: string[],
  isOver: IsOver,
): Promise<void> {
  while (!isOver()) {
    await delay(random.between(500, 900))
    if (random.next() < 0.25) {
      counts.publishes += await target.collect()
      counts.collections += 1
      continue
    }
    const wasThere = checkPublished(target, random.pick(systemNames), counts, failures)
    if (wasThere) counts.evictions += 1
  }
}

/** Takes an image out of the cache and looks at what it was. */
function checkPublished(
  target: FuzzTarget,
  name: (typeof systemNames)[number],
  counts: FuzzCounts,
  failures: string[],
): boolean {
  const wrong = target.evict(name)
  if (wrong === undefined) return false
  counts.publishes += 1
  counts.publishedChecks += 1
  if (wrong.length > 0) counts.corruptPublished += 1
  failures.push(...wrong.map((what) => `published: ${what}`))
  return true
}

async function removeLocks(
  target: FuzzTarget,
  random: Seeded,
  counts: FuzzCounts,
  isOver: IsOver,
  crew: Crew,
): Promise<void> {
  while (!isOver()) {
    await delay(random.between(2500, 5000))
    // For each so many images: on a busy machine nothing else would happen.
    if (5 * counts.lockRemovals > counts.publishes) continue
    crew.locksRemovedAt = performance.now()
    target.removeLocks()
    counts.lockRemovals += 1
  }
}

async function removeIngests(
  target: FuzzTarget,
  random: Seeded,
  counts: FuzzCounts,
  isOver: IsOver,
): Promise<void> {
  while (!isOver()) {
    await delay(random.between(4000, 9000))
    if (15 * counts.ingestRemovals > counts.publishes) continue
    target.removeIngests(random.pick(systemNames))
    counts.ingestRemovals += 1
  }
}
