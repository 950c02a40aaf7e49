/**
 * What requests resolved to, so that a name whose image is cached needs no network. A record is a hint with an age:
 * the digest in it names the image, and the image is the truth.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'
import { hasFacts, type ImageFacts } from '../image-facts.js'
import { namesIn } from './directory.js'
import { type CacheLayout, resolutionPath } from './layout.js'
import { makeDirectory } from './make-directory.js'
import { replaceFile } from './replace-file.js'

export interface Resolution extends ImageFacts {
  /** The request, as `requestKey()` writes it. */
  readonly request: string
  /** The image's key in the store. */
  readonly key: string
  /** `<algorithm>:<hex>` of the file as it is served. */
  readonly digest: string
  /** Milliseconds since 1970. */
  readonly resolvedAt: number
  /** A user has said what the request means, with a file: it is a decision, and does not age. Default: no. */
  readonly isImported?: boolean | undefined
  /** The newest that this request ever meant; undefined for what has no order: a URL. */
  readonly seen?: SeenBuild | undefined
}

export interface SeenBuild {
  readonly version: string
  readonly build: string | undefined
  /** When its publisher signed it, ISO 8601; undefined when it did not. */
  readonly signedAt?: string | undefined
  /** ISO 8601. */
  readonly at: string
}

/** The last resolution of a request, or undefined: also when it cannot be read. */
export function findResolution(layout: CacheLayout, request: string): Resolution | undefined {
  const record = readResolution(resolutionPath(layout, request))
  return record?.request === request ? record : undefined
}

/** All that can be read, in no order. */
export function listResolutions(layout: CacheLayout): readonly Resolution[] {
  return namesIn(layout.resolved)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readResolution(join(layout.resolved, name)) ?? [])
}

function readResolution(path: string): Resolution | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isResolution(record) ? record : undefined
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) !== undefined) return undefined
    throw error
  }
}

/** Throws the system's error where the cache takes no record: it is read-only, or full. */
export function rememberResolution(layout: CacheLayout, record: Resolution): void {
  makeDirectory(layout, layout.resolved)
  replaceFile(resolutionPath(layout, record.request), {
    content: `${JSON.stringify(record, undefined, 2)}\n`,
    mode: layout.isShared ? 0o644 : 0o600,
  })
}

export function forgetResolution(layout: CacheLayout, request: string): void {
  rmSync(resolutionPath(layout, request), { force: true })
}

function isResolution(value: unknown): value is Resolution {
  if (typeof value !== 'object' || value === null || !hasFacts(value)) return false
  const { request, key, digest, resolvedAt, isImported, seen }: Partial<Resolution> = value
  return (
    [request, key, digest].every((field) => typeof field === 'string') &&
    typeof resolvedAt === 'number' &&
    ['boolean', 'undefined'].includes(typeof isImported) &&
    (seen === undefined || isSeenBuild(seen))
  )
}

function isSeenBuild(value: unknown): value is SeenBuild {
  if (typeof value !== 'object' || value === null) return false
  const { version, build, at }: Partial<SeenBuild> = value
  return (
    typeof version === 'string' && typeof at === 'string' && ['string', 'undefined'].includes(typeof build)
  )
}
