/**
 * publishSource: one download (or one unpacking) of one image at a time on this machine, by whoever is first; the
 * others wait and find it published. The lock only saves bandwidth: each works in a directory of its own, and the
 * image appears by one rename.
 */
import { existsSync } from 'node:fs'
import type { Context } from '../context.js'
import { type Digest, digestKey } from '../digest.js'
import { diskFullError, isDiskFull, isNoSpace } from '../disk-full.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { titleOf } from '../image-facts.js'
import { sizeText } from '../progress-text.js'
import { copyUnclaimed, discardAbandoned, type Ingest, openIngest } from '../store/ingest.js'
import { type CacheLayout, hashName } from '../store/layout.js'
import { type LockWaiting, withLock } from '../store/lock.js'
import { ensureCache } from '../store/root.js'
import { isOf } from '../store/writing.js'
import { type Ingesting, ingestSource } from './ingest-source.js'
import { type Need, type Room, seeToRoom } from './room.js'
import { localPath, type Source } from './source.js'

/** Somebody who empties the cache by hand costs one more download; somebody who does it again and again is to be told of. */
const mostTries = 3

export interface Publishing extends Room, Ingesting {
  /** Whether somebody has published the image by now; asked while waiting and under the lock. */
  readonly isDone: () => boolean
  /** Told under the lock, with the digest of the file as it was served: the image's name in the store. */
  readonly onPublished: (digest: Digest) => void
  /** True: bytes with another digest stay for {@link ingestKey}, because the publisher is asked again what they are. */
  readonly keepsWrongBytes: boolean
}

/** Under which downloads of a source are kept while they are not complete. */
export function ingestKey({ digest, url }: Source): string {
  return digest ? digestKey(digest) : `url-${hashName(url)}`
}

/**
 * Makes sure that the image is published, by this process or by another. A disk that is full has room made on it once, and
 * the work goes on from what has arrived.
 *
 * @throws VmImageError NO_SPACE when there is no room all the same.
 */
export async function publishSource(
  layout: CacheLayout,
  source: Source,
  publishing: Publishing,
  context: Context,
): Promise<void> {
  const key = ingestKey(source)
  let need: Need | undefined
  const publish = () =>
    underLock(layout, key, source, publishing, context, async () => {
      need = await seeToRoom(layout, key, source, publishing, context)
      for (let tries = 1; !(await tryPublish(layout, key, source, publishing, context)); tries += 1) {
        if (tries === mostTries) throw removedAgain(layout, source)
      }
    })
  try {
    await publish()
  } catch (error) {
    if (!isNoSpace(error)) throw error
    // Never for nothing, which is what is known of the size: something is lacking.
    const needed = Math.max(need?.likelyBytes ?? source.sizeBytes ?? 0, 1)
    const freed = (await publishing.makeRoom?.(needed)) ?? 0
    try {
      if (freed === 0) throw error
      const message = `The disk was full: ${sizeText(freed)} were freed in "${layout.cacheDir}".`
      context.report({ type: 'warning', message })
      await publish()
    } catch (last) {
      // What this process wrote must not keep the disk full; what was there before it began may stay.
      if (isNoSpace(last) && need) discardAbandoned(layout, key)
      throw last
    }
  }
}

async function underLock(
  layout: CacheLayout,
  key: string,
  source: Source,
  { isDone }: Publishing,
  { signal, report }: Context,
  action: () => Promise<void>,
): Promise<void> {
  const name = titleOf(source)
  const onWait = (state: LockWaiting) =>
    report({ type: 'waiting', name, totalBytes: source.sizeBytes, ...state })
  await withLock(layout, key, { signal, isDone, onWait, name }, action)
}

/** False when somebody removed the download while it was being made. */
async function tryPublish(
  layout: CacheLayout,
  key: string,
  source: Source,
  publishing: Publishing,
  context: Context,
): Promise<boolean> {
  ensureCache(layout)
  let ingest: Ingest | undefined
  try {
    ingest = openIngest(layout, key)
    if (source.digest && localPath(source) === undefined)
      await copyUnclaimed(layout, key, ingest, context.signal)
    publishing.onPublished(await ingestSource(layout, ingest, source, publishing, context))
    ingest.remove()
    return true
  } catch (error) {
    const isRemoved =
      (systemErrorCode(error) === 'ENOENT' && isOf(error, layout)) ||
      (ingest && !existsSync(ingest.directory))
    // A copy of what lies on this machine is made anew in less time than it is held against its digest.
    if (localPath(source) === undefined && isResumable(error, publishing.keepsWrongBytes)) ingest?.abandon()
    else ingest?.remove()
    if (isRemoved && !context.signal.aborted) return false
    throw isDiskFull(error) ? diskFullError(layout.ingest, undefined, error) : error
  }
}

function removedAgain(layout: CacheLayout, source: Source): VmImageError {
  return new VmImageError(
    'CACHE_UNWRITABLE',
    `Cannot fetch "${titleOf(source)}": its files in "${layout.cacheDir}" were removed ${mostTries} times while it arrived.\n` +
      'Find out who deletes files there (a clean-up job, rm) and let that end; or set VMIMAGE_CACHE_DIR.',
  )
}

/** What has arrived is of use to the next try when nothing was wrong with the bytes: an abort, the network, a full disk. */
function isResumable(error: unknown, keepsWrongBytes: boolean): boolean {
  const codes: readonly string[] = [
    'NETWORK',
    'NO_SPACE',
    'TOOL_MISSING',
    'TOOL_FAILED',
    ...(keepsWrongBytes ? ['DIGEST_MISMATCH'] : []),
  ]
  return !(error instanceof VmImageError) || codes.includes(error.code)
}
