/**
 * Source: where a base image's bytes come from and what is known of them before the first one is read. Names, URLs
 * and local files all become this one record.
 */
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Compression, compressionOf, unpackedName } from '../compression.js'
import type { Context } from '../context.js'
import { type Digest, isWeak } from '../digest.js'
import { factsOf, type ImageFacts } from '../image-facts.js'
import type { FileRequest, UrlRequest } from '../request/request.js'
import type { ImageProof, ResolvedImage } from '../resolve/resolve.js'
import { realFile, verifyFile } from './local-file.js'

export interface Source extends ImageFacts {
  /** Every place to get it from, in order; empty for a local file. */
  readonly urls: readonly string[]
  /** Undefined only for a URL that nobody vouches for. */
  readonly digest: Digest | undefined
  readonly sizeBytes: number | undefined
  readonly compression: Compression
  /** A signature over the file as it is served, which makes it `signed` when it is verified; undefined for none. */
  readonly proof: ImageProof | undefined
  /** When its digest was signed, ISO 8601. */
  readonly signedAt: string | undefined
  /** What the image is declared to be; undefined: whatever its bytes say. */
  readonly format: 'qcow2' | 'raw' | undefined
}

export function sourceOf(resolved: ResolvedImage): Source {
  const { urls, digest, sizeBytes, compression, format, proof, signedAt } = resolved
  const facts = factsOf({ ...resolved, fileName: unpackedName(resolved.file) })
  const isLocal = facts.url.startsWith('file:')
  return { ...facts, urls: isLocal ? [] : urls, digest, sizeBytes, compression, format, proof, signedAt }
}

/**
 * A URL of the user's own. With a checksum it is pinned; without, the image is `unverified`, which takes a word of the
 * user's.
 */
export function urlSource(request: UrlRequest, context: Context): Source {
  const { pathname } = new URL(request.url)
  const facts = unnamed(basename(pathname) || 'image', request.url, request, context)
  return { ...facts, urls: [request.url], digest: request.checksum }
}

/**
 * A compressed file of the user's own: it is unpacked into the cache once, under the digest of what it is packed as.
 *
 * @throws VmImageError FILE_NOT_FOUND, or DIGEST_MISMATCH when it is not the file that `checksum` names.
 */
export async function localSource(request: FileRequest, context: Context): Promise<Source> {
  const path = realFile(request.path)
  const digest = await verifyFile(path, request.checksum, context.signal)
  const facts = unnamed(basename(path), pathToFileURL(path).href, request, context)
  return { ...facts, urls: [], digest }
}

/** The path of a source that is a local file; undefined for one that is downloaded. */
export function localPath(source: Source): string | undefined {
  return source.urls.length === 0 ? fileURLToPath(source.url) : undefined
}

function unnamed(file: string, url: string, request: UrlRequest | FileRequest, context: Context) {
  const isPinned = request.checksum !== undefined && !isWeak(request.checksum.algorithm)
  return {
    name: unpackedName(file),
    version: '',
    build: undefined,
    arch: request.arch ?? context.arch,
    variant: undefined,
    fileName: unpackedName(file),
    url,
    trust: isPinned ? ('pinned' as const) : ('unverified' as const),
    signedBy: undefined,
    proof: undefined,
    signedAt: undefined,
    sizeBytes: undefined,
    compression: compressionOf(file),
    format: request.format,
  }
}
