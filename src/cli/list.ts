/** `vmimage list`: what the cache holds. Sizes are what the disk really gives to each image, holes not counted. */
import { statSync } from 'node:fs'
import { makeContext } from '../context.js'
import { sizeText } from '../progress-text.js'
import { cacheLayout } from '../store/layout.js'
import { listImages } from '../store/store.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const listCommand: Command = {
  usage: 'list',
  purpose: 'show what the cache holds',
  options: { '--json': 'print one JSON array' },
  action: (_names, options) => listCached(options),
}

async function listCached(options: CommandOptions): Promise<void> {
  const context = makeContext(options)
  const images = listImages(cacheLayout(context.cacheDir)).map((image) => ({
    ...image.meta,
    path: image.path,
    allocatedBytes: statSync(image.path).blocks * 512,
  }))
  if (options.json) return printValue(images)
  if (images.length === 0) return printRows([[`No images in ${context.cacheDir}. Try: vmimage fetch fedora`]])
  const rows = images.map((image) => [
    image.name,
    image.version || '-',
    image.build ?? '-',
    image.arch,
    image.trust,
    sizeText(image.allocatedBytes),
    image.fetchedAt.slice(0, 10),
  ])
  printRows([['NAME', 'VERSION', 'BUILD', 'ARCH', 'TRUST', 'SIZE', 'FETCHED'], ...rows])
}
