/** Images as they are named on the command line: the options narrow down every one of them. */
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
