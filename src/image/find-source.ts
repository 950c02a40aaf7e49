/** From a request to the source of its image: what is known before the first byte of it is read. */
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { resolveImage } from '../resolve/resolve.js'
import { keyCache } from '../store/keys.js'
import { cacheLayout } from '../store/layout.js'
import { isOfThisMachine } from './fixed.js'
import { verifyFile } from './local-file.js'
import { fetchCommand } from './request-text.js'
import { localPath, localSource, type Source, sourceOf, urlSource } from './source.js'

/** Resolves a name at its publisher; a URL or a file is its own source. */
export async function findSource(request: ImageRequest, context: Context): Promise<Source> {
  if (request.kind === 'url') return urlSource(request, context)
  if (request.kind === 'file') return localSource(request, context)
  const name = describeRequest(request)
  context.report({ type: 'resolving', name })
  const resolved = await resolveImage(
    request,
    context,
    keyCache(cacheLayout(context.cacheDir, context.shared)),
  )
  const { url, digest } = resolved
  context.report({ type: 'resolved', name, url, digest: digest && formatDigest(digest) })
  return verifiedIfLocal(sourceOf(resolved), context)
}

/** @throws VmImageError OFFLINE, with the command to run, when the network is needed and switched off. */
export function refuseOffline(request: ImageRequest, context: Context): void {
  if (context.offline && needsNetwork(request)) throw offlineRefusal(request, context)
}

/** Whether no answer to a request is on this machine but that of the cache. */
export function needsNetwork(request: ImageRequest): boolean {
  return !isOfThisMachine(request)
}

export function offlineRefusal(request: ImageRequest, context: Context): VmImageError {
  return new VmImageError(
    'OFFLINE',
    `Cannot fetch "${describeRequest(request)}": it is not in the cache "${context.cacheDir}", and the network is switched off (VMIMAGE_OFFLINE or the option).\n` +
      `With the network on, run: ${fetchCommand(request, context.arch)}`,
  )
}

/** A packed file of a directory of this machine is read here in place of a download, and so is its digest. */
async function verifiedIfLocal(source: Source, { signal }: Context): Promise<Source> {
  const path = localPath(source)
  if (path === undefined || source.compression === 'none') return source
  return { ...source, digest: await verifyFile(path, source.digest, signal) }
}
