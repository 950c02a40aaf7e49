/** `vmimage prune`: removes base images that nobody holds, and says what goes and why, what stays and who holds it. */
import { existsSync } from 'node:fs'
import { type Context, makeContext } from '../context.js'
import { VmImageError } from '../errors.js'
import { sizeText } from '../progress-text.js'
import { sizeInBytes } from '../size.js'
import { allocatedIn } from '../store/allocated.js'
import type { CollectGoal, CollectPlan } from '../store/collect-plan.js'
import { collectCache, planCache } from '../store/collect.js'
import { namesIn } from '../store/directory.js'
import { cacheLayout, keptDirectory } from '../store/layout.js'
import { findOrphans, type Orphan } from '../store/orphans.js'
import { whenReadable } from '../store/readable.js'
import { ensureOverlayDirectories } from '../store/root.js'
import { writingTo } from '../store/writing.js'
import { holderTexts, imageTitle, jsonOf, sumText } from './cached.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const pruneCommand: Command = {
  usage: 'prune',
  purpose: 'remove base images that nobody uses, and what dead runs left',
  options: {
    '--max-size <size>': 'how much base images may take, as 20G (VMIMAGE_MAX_CACHE_SIZE)',
    '--max-age <age>': 'after how long without use one goes, as 30d or 12h (VMIMAGE_MAX_CACHE_AGE)',
    '--all': 'every image that is not in use, nor was fetched within the last hour',
    '--dry-run': 'say what would go, and change nothing',
    '--json': 'print one JSON object',
  },
  action: (_names, options) => prune(options),
}

/** What went, or would go. */
interface Pruned extends CollectPlan {
  readonly freedBytes: number
  readonly swept: readonly (Orphan & { readonly allocatedBytes: number })[]
}

async function prune(options: CommandOptions): Promise<void> {
  const context = makeContext(options)
  const goal: CollectGoal = {
    maxAgeMs: options.maxAge === undefined ? context.maxCacheAgeMs : parseAge(options.maxAge),
    maxBytes: options.maxSize === undefined ? context.maxCacheBytes : parseMaxSize(options.maxSize),
    all: options.all,
  }
  const pruned = options.dryRun ? planPrune(context, goal) : await collect(context, goal)
  if (options.json) {
    const { go, stay, freedBytes, swept } = pruned
    return printValue({
      dryRun: options.dryRun ?? false,
      removed: go.map(({ image, why }) => ({ ...jsonOf(image), why })),
      stayed: stay.map(({ image, why }) => ({ ...jsonOf(image), why })),
      freedBytes,
      swept,
    })
  }
  printRows(linesOf(pruned, options.dryRun ?? false, context).map((line) => [line]))
}

function planPrune(context: Context, goal: CollectGoal): Pruned {
  const plan = planCache(context, goal)
  const freedBytes = plan.go.reduce((sum, { image }) => sum + image.allocatedBytes, 0)
  return { ...plan, freedBytes, swept: withSizes(findOrphans(context)) }
}

async function collect(context: Context, goal: CollectGoal): Promise<Pruned> {
  if (!existsSync(context.cacheDir)) return { go: [], stay: [], freedBytes: 0, swept: [] }
  // What is removed there has to be ours.
  if (existsSync(context.overlayDir)) ensureOverlayDirectories(context.overlayDir)
  const sizes = new Map(
    withSizes(findOrphans(context)).map(({ path, allocatedBytes }) => [path, allocatedBytes]),
  )
  const layout = cacheLayout(context.cacheDir, context.shared)
  const collected = await writingTo(layout, () => collectCache(context, goal))
  if (collected === undefined) throw busy(context)
  const swept = collected.swept.map((orphan) => ({ ...orphan, allocatedBytes: sizes.get(orphan.path) ?? 0 }))
  return { ...collected, swept }
}

function withSizes(orphans: readonly Orphan[]): Pruned['swept'] {
  return orphans.map((orphan) => ({ ...orphan, allocatedBytes: allocatedIn(orphan.path) }))
}

const reasons = {
  age: 'not used for too long',
  size: 'too much in all',
  room: 'room is needed',
  all: 'not in use',
}

const reasonsToStay = {
  young: 'fetched less than an hour ago',
  imported: 'imported, so it goes with --all or "vmimage rm" only',
  unremovable: 'this user may not remove it',
}

function linesOf(
  { go, stay, freedBytes, swept }: Pruned,
  isDry: boolean,
  context: Context,
): readonly string[] {
  const now = context.now()
  const went = go.map(
    ({ image, why }) =>
      `${isDry ? 'would remove' : 'removed'} ${imageTitle(image)}, ${sumText([image])}: ${reasons[why]}, last used ${dateText(image.lastUsedAt)}`,
  )
  const stayed = stay
    .filter(({ why }) => why !== 'wanted')
    .map(({ image, why }) => {
      const because =
        why === 'held' || why === 'wanted'
          ? `in use by ${holderTexts(image, now).join('; ') || 'somebody who has just come'}`
          : reasonsToStay[why]
      return `kept ${imageTitle(image)}, ${sumText([image])}: ${because}`
    })
  const left = stay.filter(({ why }) => why === 'wanted').map(({ image }) => image)
  const orphans = swept.map(
    ({ kind, path, allocatedBytes }) =>
      `${isDry ? 'would remove' : 'removed'} ${orphanNames[kind]}, ${sizeText(allocatedBytes)}: ${path}`,
  )
  const sweptBytes = swept.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0)
  const kept = (whenReadable(() => namesIn(keptDirectory(context.overlayDir))) ?? []).length
  return [
    ...went,
    ...stayed,
    ...(left.length > 0 ? [`kept ${left.length} more within the limits, ${sumText(left)}`] : []),
    ...orphans,
    `${isDry ? 'would free' : 'freed'} ${sizeText(freedBytes + sweptBytes)}`,
    ...(kept > 0
      ? [
          `The disks of ${kept} failed ${kept === 1 ? 'test' : 'tests'} are kept, with their base images; remove them with: rm -r ${keptDirectory(context.overlayDir)}/*`,
        ]
      : []),
  ]
}

const orphanNames = {
  run: 'the directory of a dead run',
  kept: 'half of a kept disk',
  partial: 'a partial download that is of no use any more',
  lock: 'the lock of a dead process',
  collector: 'the lock of a dead collector',
  draft: 'half of a file',
  trash: 'trash',
} as const satisfies Record<Orphan['kind'], string>

function dateText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function parseMaxSize(text: string): number {
  const bytes = text.trim() === '0' ? 0 : sizeInBytes(text)
  if (bytes !== undefined) return bytes
  throw new VmImageError(
    'INVALID_CONFIG',
    `Cannot use --max-size "${text}": a size is wanted.\nWrite it as bytes, or as 512M, 20G, 1T; 0 for nothing at all.`,
  )
}

/** Days where no unit is said, as in the variable. */
function parseAge(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([dh]?)$/i.exec(text.trim()) ?? []
  if (amount !== '') return Number(amount) * (unit.toLowerCase() === 'h' ? 3_600_000 : 86_400_000)
  throw new VmImageError(
    'INVALID_CONFIG',
    `Cannot use --max-age "${text}": a time is wanted.\nWrite it as days or hours: 30d, 12h.`,
  )
}

function busy({ cacheDir }: Context): VmImageError {
  return new VmImageError(
    'COLLECTING',
    `Cannot prune "${cacheDir}": another process is removing images from it at this moment.\n` +
      'Wait until it has ended, and run the command again.',
  )
}
