/** What a configuration file may hold, checked key by key: it comes from JavaScript or JSON, where types promise nothing. */
import { inspect } from 'node:util'
import { distance } from 'fastest-levenshtein'
import { arches, findArch } from '../arch.js'
import { isKeepPolicy, isMirror, isOnUnavailable } from '../option-values.js'
import { VmImageError } from '../errors.js'
import { sizeInBytes } from '../size.js'
import { isTrust, trustNames } from '../trust.js'
import type { Config } from './config.js'

interface Shape {
  readonly wanted: string
  readonly fits: (value: unknown) => boolean
}

const directory: Shape = { wanted: 'the path of a directory', fits: isText }
const yesOrNo: Shape = { wanted: 'true or false', fits: (value) => typeof value === 'boolean' }
const fileName: Shape = { wanted: 'the path of a file', fits: isText }
const amount: Shape = {
  wanted: 'a number that is not negative',
  fits: (value) => Number.isFinite(value) && Number(value) >= 0,
}

const size: Shape = {
  wanted: 'a number of bytes, or a size like "20G"',
  fits: (value) => isSizeText(value) && sizeInBytes(value) !== undefined,
}

const shapes: Readonly<Record<keyof Config, Shape>> = {
  images: {
    wanted: '"auto", or a list like ["fedora", "debian:13"]',
    fits: (value) => value === 'auto' || isListOf((item) => isText(item) || isRecord(item), value),
  },
  strict: yesOrNo,
  providers: {
    wanted: 'a list of records like { name, versionsUrl, imagesUrl, imagePattern }',
    fits: (value) => isListOf(isRecord, value),
  },
  cacheDir: directory,
  overlayDir: directory,
  extraCacheDirs: { wanted: 'a list of directories', fits: (value) => isListOf(isText, value) },
  offline: yesOrNo,
  arch: {
    wanted: `the name of an architecture: ${arches.join(', ')}`,
    fits: (value) => isText(value) && findArch(value) !== undefined,
  },
  mirror: {
    wanted: 'a URL like http://host/prefix',
    fits: (value) => isText(value) && isMirror(value),
  },
  maxResolveAgeHours: amount,
  keep: { wanted: 'never, on-failure or always', fits: isKeepPolicy },
  keepLast: amount,
  keepMaxSize: size,
  onUnavailable: { wanted: 'fail or skip', fits: isOnUnavailable },
  pinFile: fileName,
  frozen: yesOrNo,
  collect: yesOrNo,
  maxCacheSize: size,
  maxCacheAgeDays: amount,
  shared: yesOrNo,
  minimumTrust: { wanted: trustNames, fits: isTrust },
}

const shapeByKey: ReadonlyMap<string, Shape> = new Map(Object.entries(shapes))

/**
 * Holds what a file gives against what a configuration is.
 *
 * @throws VmImageError INVALID_CONFIG for the first key that is not known or has a value of the wrong kind.
 */
export function checkConfig(value: unknown, file: string): Config {
  if (!isRecord(value)) {
    throw invalid(
      file,
      `it gives ${shown(value)}, expected a record like { "images": ["fedora"] }`,
      'A module gives it as its default export: export default defineConfig({ images: ["fedora"] }).',
    )
  }
  for (const [key, found] of Object.entries(value)) {
    const shape = shapeByKey.get(key)
    if (!shape) throw unknownKey(key, file)
    if (found === undefined || shape.fits(found)) continue
    throw invalid(
      file,
      `${key} is ${shown(found)}, expected ${shape.wanted}`,
      'Correct it, or leave it out for the default; docs/config.md has every key.',
    )
  }
  return value
}

function unknownKey(key: string, file: string): VmImageError {
  const known = [...shapeByKey.keys()]
  const nearest = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0]
  const isNear = nearest !== undefined && distance(key, nearest) <= Math.max(2, key.length / 3)
  return invalid(
    file,
    `there is no key "${key}"${isNear ? `, but "${nearest}"` : ''}`,
    `Known: ${known.join(', ')}.`,
  )
}

function invalid(file: string, problem: string, cure: string): VmImageError {
  return new VmImageError('INVALID_CONFIG', `Cannot use the configuration "${file}": ${problem}.\n${cure}`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isSizeText(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOf(isItem: (value: unknown) => boolean, value: unknown): boolean {
  return Array.isArray(value) && value.every(isItem)
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : inspect(value, { breakLength: Number.POSITIVE_INFINITY })
}
