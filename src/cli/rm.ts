/** `vmimage rm NAME...`: removes the base images that are named, if nobody uses one of them. */
import { existsSync } from 'node:fs'
import { type Context, makeContext } from '../context.js'
import { VmImageError } from '../errors.js'
import { isCalled } from '../image/is-meant.js'
import { sizeText } from '../progress-text.js'
import type { CachedImage } from '../store/collect-plan.js'
import { readCachedImages, removeImages } from '../store/collect.js'
import { cacheLayout } from '../store/layout.js'
import { ensureCache } from '../store/root.js'
import { writingTo } from '../store/writing.js'
import { holderTexts, imageTitle, jsonOf, sumText } from './cached.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const rmCommand: Command = {
  usage: 'rm <image...>',
  purpose: 'remove the base images of that name from the cache',
  arguments: {
    image: 'name (fedora), name and version (debian:13), digest, or the beginning of a key as list shows it',
  },
  options: { '--json': 'print one JSON object' },
  action: removeNamed,
}

async function removeNamed(names: readonly string[], options: CommandOptions): Promise<void> {
  const context = makeContext(options)
  const cached = readCachedImages(context)
  const images = [...new Set(names.flatMap((name) => matching(name, cached, context)))]
  // All or none: half of what was asked for is nothing to build on.
  const held = images.filter(({ holders }) => holders.length > 0)
  if (held.length > 0) throw inUse(held, context)
  const layout = cacheLayout(context.cacheDir, context.shared)
  const plan = { go: images.map((image) => ({ image, why: 'all' as const })), stay: [] }
  const removed = await writingTo(layout, () => {
    if (existsSync(context.cacheDir)) ensureCache(layout)
    return removeImages(context, plan)
  })
  const gone = removed.go.map(({ image }) => image)
  if (options.json) printValue({ removed: gone.map(jsonOf), freedBytes: removed.freedBytes })
  else {
    const lines = gone.map((image) => `removed ${imageTitle(image)}, ${sumText([image])}`)
    printRows([...lines, `freed ${sizeText(removed.freedBytes)}`].map((line) => [line]))
  }
  const late = removed.stay.map(({ image }) => image)
  if (late.length > 0) throw inUse(late, context)
}

/** The images that a name means. @throws VmImageError UNKNOWN_IMAGE when there are none. */
function matching(name: string, cached: readonly CachedImage[], context: Context): readonly CachedImage[] {
  const found = cached.filter((image) => isCalled(name.trim(), image))
  if (found.length > 0) return found
  const there = cached.map((image) => `  ${imageTitle(image)}`)
  throw new VmImageError(
    'UNKNOWN_IMAGE',
    `Cannot remove "${name}": no image in "${context.cacheDir}" has that name, digest or key.\n` +
      (there.length > 0 ? `There are:\n${there.join('\n')}` : 'There are none at all.'),
  )
}

function inUse(images: readonly CachedImage[], context: Context): VmImageError {
  const now = context.now()
  const lines = images.map(
    (image) =>
      `${imageTitle(image)} is in use by ${holderTexts(image, now).join('; ') || 'somebody who has just come'}`,
  )
  return new VmImageError(
    'IMAGE_IN_USE',
    `Cannot remove ${lines.join(', and ')}.\n` +
      'Wait for the run to end, or end it; remove a kept disk with rm -r; then run the command again.',
  )
}
