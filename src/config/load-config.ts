/** The configuration of a project, found, read, checked, and ready to be used by an adapter or the command line. */
import { dirname, resolve } from 'node:path'
import { configFromEnvironment } from '../context.js'
import type { Options } from '../options.js'
import { VmImageError } from '../errors.js'
import { defineProvider, type Provider, type ProviderDefinition } from '../providers/index.js'
import type { ImageInput } from '../request/request.js'
import { checkConfig } from './check-config.js'
import { findConfigFile } from './find-config.js'
import { findPinFile } from './find-pin-file.js'
import { readConfig } from './read-config.js'

export interface LoadedConfig {
  /** Undefined: there is none, and everything else is empty. */
  readonly file: string | undefined
  readonly images: readonly ImageInput[]
  /** Whether what tests ask for is to be found in their files; undefined when nobody said. */
  readonly isAuto: boolean | undefined
  readonly strict: boolean | undefined
  /** Not added to the registry yet. */
  readonly providers: readonly Provider[]
  /** The third argument of `makeContext()`. Directories are absolute; `pinFile` is also the one that lies where it is looked for. */
  readonly options: Options
}

/**
 * Loads the configuration file that is named, or the nearest one.
 *
 * @param start the directory where the search begins.
 * @param named a path, from the current directory. Default `$VMIMAGE_CONFIG`, else none: the file is searched for.
 * @throws VmImageError INVALID_CONFIG when the file cannot be read, has a key that there is not, or a value of the wrong
 * kind; INVALID_PROVIDER for what is no provider.
 */
export async function loadConfig(start: string, named = configFromEnvironment()): Promise<LoadedConfig> {
  const file = named === undefined ? findConfigFile(start) : resolve(named)
  const pinFile = findPinFile(start, file)
  if (file === undefined) {
    return {
      file,
      images: [],
      isAuto: undefined,
      strict: undefined,
      providers: [],
      options: { pinFile },
    }
  }
  const { images, strict, providers = [], ...options } = checkConfig(await readConfig(file), file)
  return {
    file,
    images: images === 'auto' ? [] : (images ?? []),
    isAuto: images === undefined ? undefined : images === 'auto',
    strict,
    providers: providers.map((definition, place) =>
      providerOf(definition, `providers[${place}] of "${file}"`),
    ),
    options: { pinFile, ...fromDirectory(dirname(file), options) },
  }
}

function providerOf(definition: ProviderDefinition, place: string): Provider {
  try {
    return defineProvider(definition)
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    throw new VmImageError(error.code, `Cannot use ${place}. ${error.message}`, { cause: error })
  }
}

function fromDirectory(directory: string, options: Options): Options {
  const { cacheDir, overlayDir, extraCacheDirs, pinFile, ...others } = options
  return {
    ...others,
    cacheDir: cacheDir === undefined ? undefined : resolve(directory, cacheDir),
    overlayDir: overlayDir === undefined ? undefined : resolve(directory, overlayDir),
    ...(pinFile === undefined ? {} : { pinFile: resolve(directory, pinFile) }),
    extraCacheDirs: extraCacheDirs?.map((path) => resolve(directory, path)),
  }
}
