/** A file of the user's own, used where it lies: inspected like any other base, neither copied nor leased. */
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Context } from '../context.js'
import { formatDigest, isWeak } from '../digest.js'
import { VmImageError } from '../errors.js'
import { inspectImage } from '../qcow2/inspect.js'
import type { FileRequest } from '../request/request.js'
import { stampOf } from '../store/stamp.js'
import type { BaseImage } from './base-image.js'
import { checkTrust } from './check-trust.js'
import { realFile, verifyFile } from './local-file.js'

/**
 * The base image that a local file is.
 *
 * @throws VmImageError FILE_NOT_FOUND, DIGEST_MISMATCH, UNSAFE_IMAGE, UNSUPPORTED_IMAGE; UNTRUSTED
 *   when the request itself asks for more than it can have; BASE_CHANGED when it goes away meanwhile.
 */
export async function localBaseImage(
  request: FileRequest,
  context: Pick<Context, 'arch' | 'now' | 'report' | 'signal'>,
): Promise<BaseImage> {
  const path = realFile(request.path)
  // Before it is read: what is written to it from now on shows.
  const stamp = stampOf(path)
  const { format, virtualSizeBytes, warnings } = inspectImage(path, { declaredFormat: request.format })
  for (const warning of warnings) context.report({ type: 'warning', message: `${path}: ${warning}` })
  const digest = request.checksum && (await verifyFile(path, request.checksum, context.signal))
  if (stamp === undefined) {
    throw new VmImageError(
      'BASE_CHANGED',
      `Cannot use image file "${path}": it is gone.\nRun again when it is there.`,
    )
  }
  const trust = digest === undefined || isWeak(digest.algorithm) ? 'unverified' : 'pinned'
  const url = pathToFileURL(path).href
  checkTrust(request, { trust, url }, { minimumTrust: trust })
  return {
    name: basename(path),
    version: '',
    build: undefined,
    arch: request.arch ?? context.arch,
    variant: undefined,
    fileName: basename(path),
    url,
    trust,
    signedBy: undefined,
    path,
    format,
    virtualSizeBytes,
    stamp,
    digest: digest && formatDigest(digest),
    resolved: { at: new Date(context.now()).toISOString(), stale: undefined },
    leaseDir: undefined,
  }
}
