/** `vmimage fetch NAME...`: one line for each image, its path last. */
import { ensureBaseImage } from '../image/ensure-base-image.js'
import type { ImageInput } from '../request/request.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { configuredImages } from './configured-images.js'
import { freezing } from './freezing.js'
import { narrowing, refuseChecksumOfSeveral, requestOf } from './named-images.js'
import { printRows, printValue } from './print.js'
import { throwAfterOthers } from './show-error.js'

export const fetchCommand: Command = {
  usage: 'fetch [image...]',
  purpose: 'put images into the cache; says where each one is',
  arguments: {
    image: 'name (fedora), name and version (debian:13), URL or file; default: those of the configuration',
  },
  options: { ...narrowing, ...freezing, '--json': 'print one JSON array' },
  action: (names, options, config) =>
    fetchImages(names.length > 0 ? names : configuredImages(config, 'fetch'), options),
}

async function fetchImages(images: readonly ImageInput[], options: CommandOptions): Promise<void> {
  await withContext(options, async (context) => {
    refuseChecksumOfSeveral(images, options)
    const requests = images.map((image) => requestOf(image, options))
    const bases = []
    const failures: unknown[] = []
    for (const request of requests) {
      // One that cannot be had keeps no other away: a CI step shall leave as full a cache as it can.
      const base = await ensureBaseImage(request, undefined, context).catch(
        (error: unknown) => void failures.push(error),
      )
      context.signal.throwIfAborted()
      if (base) bases.push(base)
    }
    if (options.json) printValue(bases)
    else {
      printRows(
        bases.map((base) => [`${base.name} ${base.version}`.trim(), base.build ?? '-', base.arch, base.path]),
      )
    }
    throwAfterOthers(failures)
  })
}
