/** A file of the user's own, used where it lies: inspected like any other base, neither copied nor leased. */
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { inspectImage } from '../qcow2/inspect.js'
import type { FileRequest } from '../request/request.js'
import type { BaseImage } from './base-image.js'
import { realFile, verifyFile } from './source.js'

/**
 * The base image that a local file is.
 *
 * @throws VmImageError FILE_NOT_FOUND, DIGEST_MISMATCH, UNSAFE_IMAGE, UNSUPPORTED_IMAGE.
 */
export async function localBaseImage(request: FileRequest, context: Context): Promise<BaseImage> {
  const path = realFile(request.path)
  const image = inspectImage(path, { declaredFormat: request.format })
  const digest = request.checksum && formatDigest(await verifyFile(path, request.checksum))
  const { size, mtimeNs } = statSync(path, { bigint: true })
  return {
    path,
    format: image.format,
    virtualSizeBytes: image.virtualSizeBytes,
    stamp: { sizeBytes: Number(size), mtimeNs: String(mtimeNs) },
    name: basename(path),
    version: '',
    build: undefined,
    arch: context.arch,
    variant: undefined,
    fileName: basename(path),
    url: undefined,
    digest,
    trust: digest === undefined ? 'unverified' : 'pinned',
    resolved: { at: new Date(context.now()).toISOString(), stale: undefined },
    leaseDir: undefined,
  }
}
