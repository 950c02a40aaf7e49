/**
 * What the fuzz asks of a cache: one function. Whatever else differs between the shipped cache and the naive one is
 * behind it, so that both meet the same faults.
 */
import { join } from 'node:path'
import { defineProvider, openVmImage } from '../../src/index.js'
import { definitions, type SystemName } from './fault-images.js'

export interface FuzzStore {
  /** Downloads the image if it is not there, and holds it until disposed. */
  open(name: SystemName): Promise<FuzzUse>
}

export interface FuzzUse extends AsyncDisposable {
  /** The path by which the base is read. */
  readonly base: string
  /** A disk that stands on it; undefined where the store has none. */
  readonly overlay: string | undefined
}

export interface FuzzStoreOptions {
  readonly directory: string
  /** Where the mirror answers this worker. */
  readonly mirror: string
}

/** The package as it is built and published; compile-children.ts leads the import there. */
export async function shippedStore({ directory, mirror }: FuzzStoreOptions): Promise<FuzzStore> {
  const providers = { plain: defineProvider(definitions.plain), packed: defineProvider(definitions.packed) }
  const [cacheDir, overlayDir] = [join(directory, 'cache'), join(directory, 'overlays')]
  return {
    open: async (name) => {
      const options = { cacheDir, overlayDir, mirror, arch: 'x86_64' }
      const image = await openVmImage({ provider: providers[name] }, options)
      return {
        base: image.baseImage,
        overlay: image.path,
        [Symbol.asyncDispose]: () => image.dispose(),
      }
    },
  }
}
