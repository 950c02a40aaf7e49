/** Where the pins of a project are: beside its configuration, else upwards. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { directoriesUpwards } from './find-config.js'

const pinFileName = 'vmimage.lock.json'

/**
 * The pin file that lies beside the configuration, else the nearest one upwards, as far as a configuration is looked for.
 *
 * @param start the directory where the search begins.
 * @param configFile undefined: there is no configuration.
 */
export function findPinFile(start: string, configFile: string | undefined): string | undefined {
  const beside = configFile === undefined ? [] : [dirname(configFile)]
  return [...beside, ...directoriesUpwards(resolve(start))]
    .map((directory) => join(directory, pinFileName))
    .find((file) => existsSync(file))
}

/** Where a project that has none yet gets it: beside its configuration, else its package.json, else here. */
export function newPinFile(start: string, configFile: string | undefined): string {
  if (configFile !== undefined) return join(dirname(configFile), pinFileName)
  const home = [...directoriesUpwards(resolve(start))].find((directory) =>
    existsSync(join(directory, 'package.json')),
  )
  return join(home ?? resolve(start), pinFileName)
}
