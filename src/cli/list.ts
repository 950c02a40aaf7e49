/** `vmimage list`: what the cache holds. Sizes are what the disk really gives to each image, holes not counted. */
import { join } from 'node:path'
import { type Context, makeContext } from '../context.js'
import { sizeText } from '../progress-text.js'
import { allocatedIn } from '../store/allocated.js'
import type { CachedImage } from '../store/collect-plan.js'
import { readCachedImages } from '../store/collect.js'
import { namesIn } from '../store/directory.js'
import { holderName, holderText } from '../store/holder-text.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../store/layout.js'
import { whenReadable } from '../store/readable.js'
import { jsonOf, shortKey } from './cached.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const listCommand: Command = {
  usage: 'list',
  purpose: 'show what the cache holds, and who uses it',
  options: { '--json': 'print one JSON array' },
  action: (_names, options) => listCached(options),
}

async function listCached(options: CommandOptions): Promise<void> {
  const context = makeContext(options)
  const images = readCachedImages(context).toReversed()
  if (options.json) return printValue(images.map(jsonOf))
  if (images.length === 0) printRows([[`No images in ${context.cacheDir}. Try: vmimage fetch fedora`]])
  else printRows([columns, ...images.map(row)])
  const held = images.flatMap((image) =>
    image.holders.map((holder) => [shortKey(image.key), holderText(holder, context.now())]),
  )
  if (held.length > 0) printRows([[], ['Held:'], ...held])
  const others = othersText(context)
  if (others !== undefined) printRows([[], [others]])
}

const columns = ['NAME', 'VERSION', 'BUILD', 'ARCH', 'TRUST', 'SIZE', 'LAST USE', 'KEY', 'HELD BY']

function row({ key, meta, allocatedBytes, lastUsedAt, holders }: CachedImage): readonly string[] {
  const { name, version, build = '-', arch, trust } = meta
  const used = new Date(lastUsedAt).toISOString().slice(0, 10)
  const held = [...new Set(holders.map(holderName))].join(', ') || '-'
  return [name, version || '-', build, arch, trust, sizeText(allocatedBytes), used, shortKey(key), held]
}

/** What else takes room: `2 kept disks (1.2 GiB)`; undefined when there is nothing. */
function othersText({ cacheDir, overlayDir, shared }: Context): string | undefined {
  const { ingest } = cacheLayout(cacheDir, shared)
  const entries: readonly (readonly [string, readonly string[]])[] = [
    ['partial download', inEach(ingest)],
    ['overlay', inEach(overlayRuns(overlayDir)).filter((path) => path.endsWith('.qcow2'))],
    ['kept disk', inEach(keptDirectory(overlayDir)).filter((path) => path.endsWith('.qcow2'))],
  ]
  const texts = entries.flatMap(([name, paths]) => {
    if (paths.length === 0) return []
    const bytes = paths.map((path) => allocatedIn(path)).reduce((sum, size) => sum + size, 0)
    return [`${paths.length} ${name}${paths.length === 1 ? '' : 's'} (${sizeText(bytes)})`]
  })
  return texts.length > 0 ? `Besides: ${texts.join(', ')}` : undefined
}

/** What is in the directories of a directory. */
function inEach(parent: string): readonly string[] {
  return namesIn(parent).flatMap((name) => {
    const directory = join(parent, name)
    return (whenReadable(() => namesIn(directory)) ?? []).map((entry) => join(directory, entry))
  })
}
