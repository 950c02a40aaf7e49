/** `vmimage fetch NAME...`: one line for each image, its path last. */
import { ensureBaseImage } from '../image/ensure-base-image.js'
import { type ImageInput, requestKey } from '../request/request.js'
import { askedImages, scannable, scanning } from './asked-images.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { freezing } from './freezing.js'
import { narrowing, refuseChecksumOfSeveral, requestOf } from './named-images.js'
import { printRows, printValue } from './print.js'
import { throwAfterOthers } from './show-error.js'

export const fetchCommand: Command = {
  usage: 'fetch [image...]',
  purpose: 'put images into the cache; says where each one is',
  arguments: { image: `name (fedora), name and version (debian:13), URL or file; ${scannable}` },
  options: {
    ...narrowing,
    ...freezing,
    ...scanning,
    '--json': 'print one JSON array',
  },
  action: async (names, options, config) =>
    fetchImages(await askedImages(names, options, config, 'fetch'), options),
}

async function fetchImages(images: readonly ImageInput[], options: CommandOptions): Promise<void> {
  await withContext(options, async (context) => {
    refuseChecksumOfSeveral(images, options)
    const named = images.map((image) => requestOf(image, options))
    // Tests, and what is listed for them, name the same image in several ways.
    const requests = new Map(
      named.map((request) => [`${request.minimumTrust} ${requestKey(request, context.arch)}`, request]),
    ).values()
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
