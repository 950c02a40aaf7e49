/**
 * ImageRequest: what a caller asked for, read once. After this file nobody looks at the caller's words again.
 */
import { hash } from 'node:crypto'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isRegExp } from 'node:util/types'
import { type Arch, parseArch } from '../arch.js'
import { type Digest, formatDigest, parseDigest } from '../digest.js'
import { imageProviders, type Provider } from '../providers/index.js'
import { isTrust, type Trust, trustNames } from '../trust.js'
import { invalidRequest } from './invalid.js'
import { parseSize } from './size.js'
import { type ImageSpec, parseSpec } from './spec.js'
import { parseVersionQuery, type VersionQuery } from './version-query.js'

/**
 * A request: `'fedora'`, `'fedora:41'`, `'debian:trixie'`, a URL, a path that starts with `/`, `./`, `../` or `~/`,
 * or a record that says more.
 */
export type ImageInput = string | ImageSpec

interface Wishes {
  /** Size of the overlay's disk in bytes. */
  readonly sizeBytes: number | undefined
  readonly checksum: Digest | undefined
  /** Undefined: what the context says. */
  readonly minimumTrust: Trust | undefined
}

/** A system by its name: the newest image of its publisher that fits. */
export interface NamedRequest extends Wishes {
  readonly kind: 'named'
  readonly provider: Provider
  readonly version: VersionQuery
  readonly build: string | RegExp | undefined
  readonly arch: Arch | undefined
  readonly variant: string | undefined
}

export interface UrlRequest extends Wishes {
  readonly kind: 'url'
  readonly url: string
  readonly arch: Arch | undefined
  readonly format: 'qcow2' | 'raw' | undefined
}

export interface FileRequest extends Wishes {
  readonly kind: 'file'
  /** Absolute. */
  readonly path: string
  readonly arch: Arch | undefined
  readonly format: 'qcow2' | 'raw' | undefined
}

type Located<Request extends UrlRequest | FileRequest, Place extends keyof Request> = Pick<
  Request,
  'kind' | 'format' | Place
>

export type ImageRequest = NamedRequest | UrlRequest | FileRequest

/**
 * Reads a request.
 *
 * @throws VmImageError INVALID_REQUEST for nonsense, with the valid forms; UNKNOWN_SYSTEM for a name that nobody has; UNKNOWN_ARCH.
 * @throws TypeError when it is neither a text nor a record, or a field has the wrong type.
 */
export function parseRequest(input: ImageInput): ImageRequest {
  const spec = parseSpec(input)
  const ways = [spec.name, spec.provider, spec.url, spec.path].filter((way) => way !== undefined)
  if (ways.length > 1)
    throw invalidRequest('image request', Object.keys(spec), 'one of name, provider, url, path')
  const common = {
    arch: spec.arch === undefined ? undefined : parseArch(spec.arch),
    sizeBytes: spec.size === undefined ? undefined : parseSize(spec.size),
    checksum: spec.checksum === undefined ? undefined : parseDigest(spec.checksum),
    minimumTrust: readTrust(spec.minimumTrust),
  }
  if (spec.url === undefined && spec.path === undefined) return { ...readNamed(spec), ...common }
  return { ...readLocated(spec), ...common }
}

/** Stable text that says which image is meant: two requests with the same key get the same base image. */
export function requestKey(request: ImageRequest, defaultArch: Arch): string {
  const parts = [describeRequest({ ...request, arch: request.arch ?? defaultArch })]
  // Two providers of one name, or one whose facts have changed, are not the same image.
  if (request.kind === 'named') parts.push(`provider=${fingerprint(request.provider)}`)
  else if (request.format) parts.push(`format=${request.format}`)
  if (request.checksum) parts.push(`checksum=${formatDigest(request.checksum)}`)
  return parts.join(' ')
}

/**
 * Which request a user has answered with a file. By its words alone: the decision holds when the facts of a provider
 * change with a new version of the package.
 */
export function importKey(request: NamedRequest, defaultArch: Arch): string {
  const { checksum } = request
  const words = describeRequest({ ...request, arch: request.arch ?? defaultArch })
  return `imported ${words}${checksum ? ` checksum=${formatDigest(checksum)}` : ''}`
}

/** The request in a few words, for messages: `fedora:41 x86_64`. */
export function describeRequest(request: ImageRequest): string {
  if (request.kind !== 'named') return request.kind === 'url' ? request.url : request.path
  const { provider, version, build, arch, variant } = request
  const name = version.kind === 'latest' ? provider.name : `${provider.name}:${version.text}`
  return [name, variant, build && `build ${String(build)}`, arch].filter(Boolean).join(' ')
}

function readNamed(
  spec: ImageSpec,
): Pick<NamedRequest, 'kind' | 'provider' | 'version' | 'build' | 'variant'> {
  const { name = 'fedora', version, build, variant, format } = spec
  if (format !== undefined) throw invalidRequest('format', format, 'nothing: a provider knows its own format')
  const provider = spec.provider ?? imageProviders.find(name)
  return {
    kind: 'named',
    provider,
    version: parseVersionQuery(version, provider),
    build,
    variant,
  }
}

function readLocated(spec: ImageSpec): Located<UrlRequest, 'url'> | Located<FileRequest, 'path'> {
  const { url, path, format } = spec
  for (const field of ['version', 'build', 'variant'] as const) {
    if (spec[field] !== undefined)
      throw invalidRequest(field, spec[field], 'nothing: a URL or a file is one image')
  }
  if (format !== undefined && format !== 'qcow2' && format !== 'raw') {
    throw invalidRequest('format', format, '"qcow2" or "raw"')
  }
  if (path !== undefined) return { kind: 'file', path: absolutePath(path), format }
  return { kind: 'url', url: checkedUrl(url ?? ''), format }
}

function readTrust(text: string | undefined): Trust | undefined {
  if (text === undefined || isTrust(text)) return text
  throw invalidRequest('minimumTrust', text, trustNames)
}

function checkedUrl(url: string): string {
  if (/^https?:\/\/[^/]/i.test(url) && URL.canParse(url)) return new URL(url).href
  throw invalidRequest('url', url, 'a whole address that starts with https://')
}

function absolutePath(path: string): string {
  if (/^file:\//i.test(path)) return pathOfFileUrl(path)
  if (path === '' || path.includes('\0') || /^[a-z][a-z\d+.-]*:\/\//i.test(path)) {
    throw invalidRequest('path', path, 'the path of a file on this machine')
  }
  return /^~(?:\/|$)/.test(path) ? join(homedir(), path.slice(1)) : resolve(path)
}

function pathOfFileUrl(url: string): string {
  try {
    const path = fileURLToPath(url)
    if (!path.includes('\0')) return path
  } catch {
    // Node has a TypeError for each mistake in a file URL; the words below say what all of them mean.
  }
  throw invalidRequest('path', url, 'a file of this machine, as in "file:///images/disk.qcow2"')
}

function fingerprint(provider: Provider): string {
  const facts = JSON.stringify(provider, (_, value: unknown) => (isRegExp(value) ? String(value) : value))
  return hash('sha256', facts).slice(0, 12)
}
