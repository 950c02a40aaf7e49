/** What the tests of this project will ask for: what a command means that no image is named for. */
import type { LoadedConfig } from '../config/load-config.js'
import { imagesFromEnvironment } from '../context.js'
import { VmImageError } from '../errors.js'
import type { ImageInput } from '../request/request.js'

/**
 * The images of the configuration and of `VMIMAGE_IMAGES`.
 *
 * @param action what cannot be done without, for the message: `fetch`.
 * @param command what it is called on the command line. Default: the same.
 * @throws VmImageError INVALID_REQUEST when there are none.
 */
export function configuredImages(
  config: LoadedConfig,
  action: string,
  command = action,
): readonly ImageInput[] {
  const images = [...config.images, ...imagesFromEnvironment()]
  if (images.length > 0) return images
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot ${action}: no image is named, and ${config.file === undefined ? 'there is no configuration' : `"${config.file}" lists none`}.\n` +
      `Name one, vmimage ${command} fedora, or list what the tests ask for in vmimage.config.json: { "images": ["fedora"] }.`,
  )
}
