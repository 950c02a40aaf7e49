/** The pins of a project as bytes that change when they do: what a key is made of. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { directoriesUpwards } from '../config/find-config.js'
import type { LoadedConfig } from '../config/load-config.js'
import type { Context } from '../context.js'
import { whenReadable } from '../store/readable.js'

/** The pin file that is named, else the nearest one, from the configuration or the current directory upwards; undefined for none. */
export function pinText({ pinFile }: Pick<Context, 'pinFile'>, config: LoadedConfig): string | undefined {
  const start = config.file === undefined ? process.cwd() : dirname(config.file)
  const places =
    pinFile === undefined
      ? [...directoriesUpwards(start)].map((directory) => join(directory, 'vmimage.lock.json'))
      : [pinFile]
  for (const place of places) {
    const text = whenReadable(() => readFileSync(place, 'utf8'))
    if (text !== undefined) return text
  }
  return undefined
}
