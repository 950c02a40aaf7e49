/**
 * What requests resolved to, so that a name whose image is cached needs no network. A record is a hint with an age:
 * the digest in it names the image, and the image is the truth.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { systemErrorCode } from '../errors.js'
import { type CacheLayout, resolutionPath } from './layout.js'
import { newOwner } from './owner.js'

export interface Resolution {
  /** The request, as `requestKey()` writes it. */
  readonly request: string
  /** The image's key in the store. */
  readonly key: string
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly arch: string
  readonly variant: string | undefined
  readonly fileName: string
  readonly url: string
  readonly digest: string
  readonly trust: 'pinned' | 'checksum' | 'unverified'
  /** Milliseconds since 1970. */
  readonly resolvedAt: number
}

/** The last resolution of a request, or undefined. */
export function findResolution(layout: CacheLayout, request: string): Resolution | undefined {
  try {
    // Ours alone by its place and written whole; another request with the same hash would differ in `request`.
    const record = JSON.parse(readFileSync(resolutionPath(layout, request), 'utf8')) as Resolution
    return record.request === request ? record : undefined
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

export function rememberResolution(layout: CacheLayout, record: Resolution): void {
  const path = resolutionPath(layout, record.request)
  const draft = `${path}.${newOwner()}`
  mkdirSync(layout.resolved, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 })
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}
