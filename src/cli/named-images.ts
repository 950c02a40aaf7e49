/** Images as they are named on the command line: the options narrow down every one of them. */
import { VmImageError } from '../errors.js'
import { type ImageInput, type ImageRequest, parseRequest } from '../request/request.js'
import { parseSpec } from '../request/spec.js'
import type { CommandOptions } from './command.js'

/** What each command has that takes names of images. */
export const narrowing = {
  '--variant <name>': 'kind of image, where the publisher has several (debian: generic)',
  '--build <build>': 'build or serial of the publisher',
  '--checksum <algorithm:hex>': 'digest that the file must have as it is served',
} as const

export function requestOf(image: ImageInput, options: CommandOptions): ImageRequest {
  const spec = parseSpec(image)
  const { variant = spec.variant, build = spec.build, checksum = spec.checksum } = options
  return parseRequest({ ...spec, variant, build, checksum })
}

/** @throws VmImageError INVALID_REQUEST when the digest of one file is given for several. */
export function refuseChecksumOfSeveral(images: readonly ImageInput[], options: CommandOptions): void {
  if (options.checksum === undefined || images.length <= 1) return
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot use --checksum for ${images.length} images: it is the digest of one file.\n` +
      'Run the command once for each, or write the checksum beside its image in vmimage.config.json.',
  )
}
