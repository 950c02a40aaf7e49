/** Which images a command is about, where it can be about those that the tests of this project ask for. */
import type { LoadedConfig } from '../config/load-config.js'
import type { ImageInput } from '../request/request.js'
import type { CommandOptions } from './command.js'
import { configuredImages } from './configured-images.js'

/** The option of each such command. */
export const scanning = {
  '--scan': 'those that the sources ask for, besides those that the configuration lists',
}

/** What its arguments are. */
export const scannable =
  'default: those of the configuration; with --scan: directories and source files; default: the current directory'

/**
 * Those that are named; with `--scan`, or where the configuration says `images: 'auto'`, those that sources ask for; else
 * those of the configuration.
 *
 * @param action what cannot be done without, for the message: `fetch`.
 * @param command what it is called on the command line. Default: the same.
 * @throws VmImageError INVALID_REQUEST when there are none.
 */
export async function askedImages(
  names: readonly string[],
  { scan }: CommandOptions,
  config: LoadedConfig,
  action: string,
  command = action,
): Promise<readonly ImageInput[]> {
  if (scan || (names.length === 0 && config.isAuto)) {
    // Here and not above: other commands shall not wait until the parser of sources is loaded.
    const { scannedImages } = await import('./scanned-images.js')
    return scannedImages(names, config, action)
  }
  return names.length > 0 ? names : configuredImages(config, action, command)
}
