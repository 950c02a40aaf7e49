/** openVmImage: the core without any test framework. The caller owns the image and disposes of it. */
import { basename } from 'node:path'
import { Cleanup } from '../cleanup.js'
import { type Context, makeContext } from '../context.js'
import type { Options } from '../options.js'
import { type ImageInput, type ImageRequest, parseRequest } from '../request/request.js'
import { keptDirectory } from '../store/layout.js'
import { openRunDirectory, type RunDirectory, sweepDeadRuns } from '../store/run-directory.js'
import type { BaseImage } from './base-image.js'
import { ensureBaseImage } from './ensure-base-image.js'
import { openOverlay } from './overlay.js'
import { warnOfLittleMemory } from './overlay-room.js'
import type { VmImage } from './vm-image.js'

/** A caller who disposes of the disk says himself what is kept, by `image.keep()`. */
export interface OpenOptions extends Omit<Options, 'keep' | 'keepLast' | 'keepMaxSize' | 'onUnavailable'> {
  /** False: plain clusters, for readers that do not know extended L2 entries (QEMU before 5.2). Default true. */
  readonly extendedL2?: boolean | undefined
}

/**
 * Opens a fresh disk of the asked system; fetches its base image first when the cache does not have it.
 *
 * @param input `'fedora'`, `'fedora:41'`, a URL, a path, or `{ name, version, arch, variant, checksum, size, ... }`. Default `'fedora'`.
 * @throws VmImageError INVALID_REQUEST, UNKNOWN_SYSTEM, NO_MATCH, NETWORK, DIGEST_MISMATCH, UNSAFE_IMAGE ...; docs/errors.md has them all.
 * @example
 * await using image = await openVmImage('debian:13')
 * console.log(image.path, image.version)
 */
export async function openVmImage(input: ImageInput = {}, options: OpenOptions = {}): Promise<VmImage> {
  const request = parseRequest(input)
  const context = makeContext(options)
  await using opening = new Cleanup()
  const run = opening.use(await openRunDirectory(context))
  sweepDeadRuns(context)
  const base = await ensureAndClose(request, run, context)
  warnOfLittleMemory([base], context)
  return openOverlay(base, {
    directory: run.overlayDir,
    sizeBytes: request.sizeBytes,
    extendedL2: options.extendedL2,
    keeping: { keptDir: keptDirectory(context.overlayDir), session: `${basename(run.overlayDir)}.1` },
    warn: (message) => context.report({ type: 'warning', message }),
    afterwards: opening,
  })
}

/** Connections that are kept open would keep the process from ending. */
async function ensureAndClose(
  request: ImageRequest,
  run: RunDirectory,
  context: Context,
): Promise<BaseImage> {
  try {
    return await ensureBaseImage(request, run.leaseDir, context)
  } finally {
    await context.http.close()
  }
}
