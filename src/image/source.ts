/**
 * Source: where a base image's bytes come from and what is known of them before the first one is read. Names, URLs
 * and local files all become this one record.
 */
import { createHash } from 'node:crypto'
import { createReadStream, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Compression, compressionOf, unpackedName } from '../compression.js'
import type { Context } from '../context.js'
import { type Digest, isWeak } from '../digest.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import type { FileRequest, UrlRequest } from '../request/request.js'
import type { ResolvedImage } from '../resolve/resolve.js'

export interface Source {
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly arch: string
  readonly variant: string | undefined
  /** Name of the unpacked file. */
  readonly fileName: string
  /** Where it was published (`file:` for a local file). */
  readonly url: string
  /** Every place to get it from, in order; empty for a local file. */
  readonly urls: readonly string[]
  /** Undefined only for a URL that nobody vouches for. */
  readonly digest: Digest | undefined
  readonly sizeBytes: number | undefined
  readonly compression: Compression
  /** What the image is declared to be; undefined: whatever its bytes say. */
  readonly format: 'qcow2' | 'raw' | undefined
  readonly trust: 'pinned' | 'checksum' | 'unverified'
}

export function sourceOf(resolved: ResolvedImage): Source {
  return { ...resolved, fileName: unpackedName(resolved.file) }
}

/**
 * A URL of the user's own. With a checksum it is pinned; without, only https is taken, and the image is `unverified`.
 *
 * @throws VmImageError INVALID_REQUEST for http without a checksum.
 */
export function urlSource(request: UrlRequest, context: Context): Source {
  const { pathname, protocol } = new URL(request.url)
  const file = decodeURIComponent(basename(pathname))
  if (request.checksum === undefined && protocol !== 'https:') {
    throw new VmImageError(
      'INVALID_REQUEST',
      `Cannot fetch "${request.url}": over plain http anybody on the way can change it, and no checksum was given.\n` +
        "Use https, or say what the file is: { url, checksum: 'sha256:<hex>' }.",
    )
  }
  if (request.checksum === undefined) {
    context.report({
      type: 'warning',
      message: `${request.url} comes without a checksum: nothing but https vouches for it. Pin it with { url, checksum }.`,
    })
  }
  return {
    ...unnamed(file, request, context),
    url: request.url,
    urls: [request.url],
    digest: request.checksum,
  }
}

/**
 * A compressed file of the user's own: it is unpacked into the cache once, under the digest of what it is packed as.
 *
 * @throws VmImageError FILE_NOT_FOUND, or DIGEST_MISMATCH when it is not the file that `checksum` names.
 */
export async function localSource(request: FileRequest, context: Context): Promise<Source> {
  const path = realFile(request.path)
  const digest = await verifyFile(path, request.checksum)
  return { ...unnamed(basename(path), request, context), url: pathToFileURL(path).href, urls: [], digest }
}

/** The path of a source that is a local file; undefined for one that is downloaded. */
export function localPath(source: Source): string | undefined {
  return source.urls.length === 0 ? fileURLToPath(source.url) : undefined
}

/** The file itself behind links; @throws VmImageError FILE_NOT_FOUND. */
export function realFile(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw new VmImageError(
      'FILE_NOT_FOUND',
      `Cannot use image file "${path}": ${systemErrorCode(error) ?? String(error)}.\nCheck the path; relative paths start at the current directory.`,
      { cause: error },
    )
  }
}

/** Hashes a local file with the algorithm of `expected` (default sha256) and compares. */
export async function verifyFile(path: string, expected: Digest | undefined): Promise<Digest> {
  const algorithm = expected?.algorithm ?? 'sha256'
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  const hex = hash.digest('hex')
  if (expected === undefined || expected.hex === hex) return { algorithm, hex }
  throw new VmImageError(
    'DIGEST_MISMATCH',
    `Cannot use image file "${path}": its ${algorithm} is ${hex}, and ${expected.hex} was asked for.\nCorrect the checksum, or get the file again.`,
  )
}

function unnamed(file: string, request: UrlRequest | FileRequest, context: Context) {
  const trust = request.checksum === undefined || isWeak(request.checksum.algorithm) ? 'unverified' : 'pinned'
  return {
    name: unpackedName(file),
    version: '',
    build: undefined,
    arch: context.arch,
    variant: undefined,
    fileName: unpackedName(file),
    sizeBytes: undefined,
    compression: compressionOf(file),
    format: request.format,
    trust,
  } as const
}
