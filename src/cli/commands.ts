/** What each command does. Results go to standard output, progress and warnings to standard error. */
import { statSync } from 'node:fs'
import { makeContext, type Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { checkTrust } from '../image/check-trust.js'
import { ensureBaseImage } from '../image/ensure-base-image.js'
import { sizeText } from '../progress-text.js'
import { imageProviders } from '../providers/index.js'
import { providerColumns, providerRow } from '../providers/table.js'
import { type ImageInput, type ImageRequest, type NamedRequest, parseRequest } from '../request/request.js'
import { parseSpec } from '../request/spec.js'
import { listPublished } from '../resolve/list-published.js'
import { type ResolvedImage, resolveImage } from '../resolve/resolve.js'
import { keyCache } from '../store/keys.js'
import { cacheLayout } from '../store/layout.js'
import { listImages } from '../store/store.js'
import type { Trust } from '../trust.js'
import { openProgress } from './progress.js'
import { printRows, printValue } from './print.js'
import { showError } from './show-error.js'

export interface CommandOptions {
  readonly cacheDir?: string | undefined
  readonly mirror?: string | undefined
  readonly arch?: string | undefined
  readonly offline?: boolean | undefined
  readonly variant?: string | undefined
  readonly build?: string | undefined
  readonly checksum?: string | undefined
  readonly minimumTrust?: Trust | undefined
  /** Every version and build. */
  readonly all?: boolean | undefined
  /** Each step on the way. */
  readonly explain?: boolean | undefined
  readonly json?: boolean | undefined
  readonly signal: AbortSignal
}

/** `vmimage fetch NAME...`: one line for each image, its path last. */
export async function fetchImages(images: readonly ImageInput[], options: CommandOptions): Promise<void> {
  await withContext(options, async (context) => {
    if (options.checksum !== undefined && images.length > 1) throw checksumOfSeveral(images)
    const requests = images.map((image) => requestOf(image, options))
    const bases = []
    const failures: unknown[] = []
    for (const request of requests) {
      // One that cannot be had keeps no other away: a CI step shall leave as full a cache as it can.
      const base = await ensureBaseImage(request, undefined, context).catch(
        (error: unknown) => void failures.push(error),
      )
      context.signal.throwIfAborted()
      if (base) bases.push(base)
    }
    if (options.json) printValue(bases)
    else {
      printRows(
        bases.map((base) => [`${base.name} ${base.version}`.trim(), base.build ?? '', base.arch, base.path]),
      )
    }
    throwAfterOthers(failures)
  })
}

/** The last word is the first failure's, with its exit code; those after it are shown before. */
function throwAfterOthers([first, ...others]: readonly unknown[]): void {
  others.forEach(showError)
  if (first !== undefined) throw first
}

/** `vmimage resolve NAME...`: which file it is, and what vouches for it. */
export async function resolveNames(images: readonly string[], options: CommandOptions): Promise<void> {
  await withContext(options, async (context) => {
    const requests = images.map((image) => namedRequestOf(image, options))
    if (options.all) return listAll(requests, options, context)
    const keys = keyCache(cacheLayout(context.cacheDir))
    const resolved = []
    for (const request of requests) resolved.push(await resolveImage(request, context, keys))
    if (options.json) printValue(resolved.map(jsonOf))
    else for (const found of resolved) printRows(rowsOf(found))
    // Shown all the same, and then said as `fetch` would say it.
    resolved.forEach((found, index) => {
      const [request] = requests.slice(index)
      if (request) checkTrust(request, found.proof ? { ...found, trust: 'signed' } : found, context)
    })
  })
}

async function listAll(
  requests: readonly NamedRequest[],
  options: CommandOptions,
  context: Context,
): Promise<void> {
  const listed = []
  for (const request of requests) listed.push(...(await listPublished(request, context)))
  if (options.json) return printValue(listed)
  const rows = listed.map(({ version, build, arch, variant, url }) => [
    version,
    build ?? '-',
    arch,
    variant ?? '-',
    url,
  ])
  printRows([['VERSION', 'BUILD', 'ARCH', 'VARIANT', 'URL'], ...rows])
}

/** The bytes of a signature are of no use to a reader; where it lies is. */
function jsonOf({ digest, proof, ...found }: ResolvedImage) {
  return { ...found, digest: digest && formatDigest(digest), signatureUrl: proof?.url }
}

function rowsOf(found: ResolvedImage): readonly (readonly string[])[] {
  const ground = found.signedBy === undefined ? found.trust : `${found.trust} by ${found.signedBy}`
  return [
    ['name', `${found.name} ${found.version}`],
    ['build', found.build ?? '-'],
    ['arch', found.arch],
    ['variant', found.variant ?? '-'],
    ['url', found.url],
    ['digest', found.digest ? formatDigest(found.digest) : 'not given by the publisher'],
    ['size', found.sizeBytes === undefined ? 'not said by the publisher' : sizeText(found.sizeBytes)],
    [
      'trust',
      found.proof ? `signed, if ${found.proof.url} is by a pinned key: seen when it is fetched` : ground,
    ],
  ]
}

/** `vmimage list`: sizes are what the disk really gives to each image, holes not counted. */
export async function listCached(options: CommandOptions): Promise<void> {
  const context = makeContext(options)
  const images = listImages(cacheLayout(context.cacheDir)).map((image) => ({
    ...image.meta,
    path: image.path,
    allocatedBytes: statSync(image.path).blocks * 512,
  }))
  if (options.json) return printValue(images)
  if (images.length === 0) return printRows([[`No images in ${context.cacheDir}. Try: vmimage fetch fedora`]])
  const rows = images.map((image) => [
    image.name,
    image.version || '-',
    image.build ?? '-',
    image.arch,
    image.trust,
    sizeText(image.allocatedBytes),
    image.fetchedAt.slice(0, 10),
  ])
  printRows([['NAME', 'VERSION', 'BUILD', 'ARCH', 'TRUST', 'SIZE', 'FETCHED'], ...rows])
}

/** `vmimage providers`: every name that can be asked for. */
export async function listProviders(options: CommandOptions): Promise<void> {
  const providers = imageProviders.list()
  if (options.json) return printValue(providers)
  printRows([providerColumns.map((column) => column.toUpperCase()), ...providers.map(providerRow)])
}

function namedRequestOf(image: string, options: CommandOptions): NamedRequest {
  const request = requestOf(image, options)
  if (request.kind !== 'named') throw notAName(image)
  return request
}

/** The options narrow down every image of the command. */
function requestOf(image: ImageInput, options: CommandOptions): ImageRequest {
  const spec = parseSpec(image)
  const { variant = spec.variant, build = spec.build, checksum = spec.checksum } = options
  return parseRequest({ ...spec, variant, build, checksum })
}

async function withContext(
  options: CommandOptions,
  action: (context: Context) => Promise<void>,
): Promise<void> {
  using progress = openProgress(process.stderr, options.explain)
  const context = makeContext({ ...options, report: progress.report })
  try {
    await action(context)
  } finally {
    await context.http.close()
  }
}

function checksumOfSeveral(images: readonly ImageInput[]): VmImageError {
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot use --checksum for ${images.length} images: it is the digest of one file.\n` +
      'Run the command once for each, or write the checksum beside its image in vmimage.config.json.',
  )
}

function notAName(image: string): VmImageError {
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot resolve "${image}": it is a URL or a file already, and a name like "fedora" or "debian:13" is wanted.\n` +
      `To put it into the cache, run: vmimage fetch ${image}`,
  )
}
