/** The pins of a project as bytes that change when they do: what a key is made of. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { directoriesUpwards } from '../config/find-config.js'
import type { LoadedConfig } from '../config/load-config.js'
import type { Context } from '../context.js'
import { whenReadable } from '../store/readable.js'

type Pinning = Pick<Context, 'pinFile'>

/** The text of the pin file; undefined when there is none, or it cannot be read. */
export function pinText(context: Pinning, config: LoadedConfig): string | undefined {
  const file = findPinFile(context, config)
  return file === undefined ? undefined : readText(file)
}

/** The pin file that is named, else the nearest one, from the configuration or the current directory upwards. */
export function findPinFile({ pinFile }: Pinning, config: LoadedConfig): string | undefined {
  const start = config.file === undefined ? process.cwd() : dirname(config.file)
  const places =
    pinFile === undefined
      ? [...directoriesUpwards(start)].map((directory) => join(directory, 'vmimage.lock.json'))
      : [pinFile]
  return places.find((place) => readText(place) !== undefined)
}

function readText(path: string): string | undefined {
  return whenReadable(() => readFileSync(path, 'utf8'))
}
