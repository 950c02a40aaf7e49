/**
 * importImage: a file of the user's own becomes an image of the cache, and the answer to requests by name: for machines
 * without network, and for systems whose publisher has nothing to download. What the file is, is the user's word; that
 * it is safe, the gate's.
 */
import { renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compressionOf, unpackedName } from '../compression.js'
import type { Context } from '../context.js'
import { type Digest, digestKey, formatDigest, isWeak } from '../digest.js'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { VmImageError } from '../errors.js'
import { decompress } from '../fetch/decompress.js'
import { type ImageFacts, titleOf } from '../image-facts.js'
import { inspectImage } from '../qcow2/inspect.js'
import { describeRequest, importKey, type NamedRequest } from '../request/request.js'
import { cloneOrCopy } from '../store/clone.js'
import { openIngest } from '../store/ingest.js'
import { type CacheLayout, cacheLayout, hashName } from '../store/layout.js'
import { rememberResolution } from '../store/resolutions.js'
import { ensureCache } from '../store/root.js'
import { publishImage, type StoredImage } from '../store/store.js'
import { writingTo } from '../store/writing.js'
import { hashFile } from './hash-file.js'
import { importedSystem } from './import-answers.js'
import { findKnown } from './known-resolution.js'
import { realFile } from './local-file.js'
import { mostBytesUnpacked } from './ingest-source.js'

export interface ImportedImage {
  readonly stored: StoredImage
  readonly facts: ImageFacts
  /** `<algorithm>:<hex>` of the file as it was given. */
  readonly digest: string
  /** The requests that mean this image from now on. */
  readonly answers: readonly NamedRequest[]
}

/**
 * Copies, verifies, unpacks, inspects and publishes the file at `path`, and remembers what it answers. The file itself
 * is only read.
 *
 * @param described the system that it is: provider, and what is known of version, build, variant, architecture, checksum.
 * @param also more requests that it answers.
 * @throws VmImageError FILE_NOT_FOUND, DIGEST_MISMATCH, UNSAFE_IMAGE, UNSUPPORTED_IMAGE, DECOMPRESSION_FAILED, NO_SPACE,
 * INVALID_REQUEST; CACHE_UNSAFE, CACHE_UNWRITABLE.
 */
export async function importImage(
  path: string,
  described: NamedRequest,
  also: readonly NamedRequest[],
  context: Context,
): Promise<ImportedImage> {
  const { answers, ...system } = importedSystem(described, context.arch)
  const file = realFile(path)
  const { checksum } = described
  const facts: ImageFacts = {
    name: described.provider.displayName,
    ...system,
    fileName: unpackedName(basename(file)),
    url: pathToFileURL(file).href,
    trust: checksum === undefined || isWeak(checksum.algorithm) ? 'unverified' : 'pinned',
    signedBy: undefined,
  }
  // Before it is copied: a device or a directory has no end, and what is refused anyway need not be waited for.
  if (compressionOf(file) === 'none' || !statSync(file).isFile()) inspectImage(file, declared(file))
  const layout = cacheLayout(context.cacheDir, context.shared)
  const all = [...answers, ...also]
  return await writingTo(layout, async () => {
    ensureCache(layout)
    const { stored, digest } = await ingestFile(layout, file, facts, checksum, context)
    for (const request of all) rememberImport(layout, request, facts, digest, context)
    return { stored, facts, digest: formatDigest(digest), answers: all }
  })
}

async function ingestFile(
  layout: CacheLayout,
  file: string,
  facts: ImageFacts,
  checksum: Digest | undefined,
  context: Context,
): Promise<{ readonly stored: StoredImage; readonly digest: Digest }> {
  const ingest = openIngest(layout, `import-${hashName(file)}`)
  try {
    const copy = join(ingest.directory, 'copy')
    // What an import that was killed left behind says nothing of the file as it is now.
    for (const left of ['part', 'copy']) rmSync(join(ingest.directory, left), { force: true })
    await copyFile(file, copy, context.signal)
    // Of the copy, which nobody else can write: the file may change at any moment.
    const digest = await hashCopy(copy, file, checksum, facts, context)
    const sizeBytes = statSync(copy).size
    const disk = join(ingest.staging, 'disk')
    const sha256 = await unpack(copy, disk, file, facts, context)
    const { format, virtualSizeBytes, warnings } = inspectImage(disk, declared(file))
    for (const warning of warnings) context.report({ type: 'warning', message: `${file}: ${warning}` })
    const meta = {
      ...facts,
      source: { digest: formatDigest(digest), sizeBytes },
      content: { sha256, format, virtualSizeBytes },
      fetchedAt: new Date(context.now()).toISOString(),
    }
    const stored = publishImage(layout, digestKey(digest), disk, meta, undefined)
    context.report({ type: 'published', name: titleOf(facts), path: stored.path })
    return { stored, digest }
  } finally {
    ingest.remove()
  }
}

async function copyFile(file: string, copy: string, signal: AbortSignal): Promise<void> {
  try {
    await cloneOrCopy(file, copy, signal)
  } catch (error) {
    if (isDiskFull(error)) throw diskFullError(copy, statSync(file).size, error)
    throw error
  }
}

/** @returns a digest that can name an image: sha256 where none, or a weak one, was given. */
async function hashCopy(
  copy: string,
  file: string,
  checksum: Digest | undefined,
  facts: ImageFacts,
  { report, signal }: Context,
): Promise<Digest> {
  const totalBytes = statSync(copy).size
  const digestBy = async (algorithm: Digest['algorithm']): Promise<Digest> => {
    const hex = await hashFile(copy, algorithm, signal, (readBytes) =>
      report({ type: 'hashing', name: titleOf(facts), readBytes, totalBytes }),
    )
    return { algorithm, hex }
  }
  const found = await digestBy(checksum?.algorithm ?? 'sha256')
  if (checksum !== undefined && found.hex !== checksum.hex) {
    throw new VmImageError(
      'DIGEST_MISMATCH',
      `Cannot import "${file}": its ${checksum.algorithm} is ${found.hex}, and ${checksum.hex} was asked for.\n` +
        'Correct --checksum, or get the file again.',
    )
  }
  return isWeak(found.algorithm) ? digestBy('sha256') : found
}

/** Moves or unpacks the copy to `disk`; returns the digest of what was unpacked. */
async function unpack(
  copy: string,
  disk: string,
  file: string,
  facts: ImageFacts,
  { report, signal }: Context,
): Promise<string | undefined> {
  const compression = compressionOf(file)
  if (compression === 'none') {
    renameSync(copy, disk)
    return undefined
  }
  const maxBytes = mostBytesUnpacked(copy)
  return (await decompress(copy, disk, compression, { name: titleOf(facts), maxBytes, report, signal }))
    .sha256
}

/** What the name meant before is said. */
function rememberImport(
  layout: CacheLayout,
  request: NamedRequest,
  facts: ImageFacts,
  digest: Digest,
  context: Context,
): void {
  const before = findKnown(layout, request, { ...context, extraCacheDirs: [] })
  const key = digestKey(digest)
  if (before && before.key !== key) {
    const title = [titleOf(before), before.build].filter(Boolean).join(' ')
    const message = `${describeRequest(request)} meant ${title} from ${before.url}, and is ${facts.url} from now on.`
    context.report({ type: 'warning', message })
  }
  rememberResolution(layout, {
    ...facts,
    request: importKey(request, context.arch),
    key,
    digest: formatDigest(digest),
    resolvedAt: context.now(),
    isImported: true,
  })
}

/** A file that calls itself qcow2 has to be that: every file is a raw disk, a text too. */
function declared(file: string) {
  return { declaredFormat: /\.qcow2$/i.test(unpackedName(basename(file))) ? ('qcow2' as const) : undefined }
}
