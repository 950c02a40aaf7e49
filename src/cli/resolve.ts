/** `vmimage resolve NAME...`: which file it is, and what vouches for it. */
import type { Context } from '../context.js'
import { formatDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { checkTrust } from '../image/check-trust.js'
import { needsNetwork } from '../image/find-source.js'
import { sizeText } from '../progress-text.js'
import type { NamedRequest } from '../request/request.js'
import { listPublished } from '../resolve/list-published.js'
import { type ResolvedImage, resolveImage } from '../resolve/resolve.js'
import { keyCache } from '../store/keys.js'
import { cacheLayout } from '../store/layout.js'
import { type Command, type CommandOptions, withContext } from './command.js'
import { narrowing, requestOf } from './named-images.js'
import { printRows, printValue } from './print.js'
import { showRecalled } from './recall.js'

export const resolveCommand: Command = {
  usage: 'resolve <image...>',
  purpose: 'show which file at the publisher an image is, without downloading it',
  arguments: { image: 'name (fedora) or name and version (debian:13)' },
  options: {
    ...narrowing,
    '--all': 'every version and build that fits, newest first',
    '--explain': 'each step: addresses asked, what was found there, why this image',
    '--json': 'print one JSON array',
  },
  action: resolveNames,
}

async function resolveNames(images: readonly string[], options: CommandOptions): Promise<void> {
  await withContext(options, async (context) => {
    const requests = images.map((image) => namedRequestOf(image, options))
    if (options.all) return listAll(requests, options, context)
    if (context.offline && requests.every(needsNetwork))
      return showRecalled(requests, options.json === true, context)
    const keys = keyCache(cacheLayout(context.cacheDir, context.shared))
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

function namedRequestOf(image: string, options: CommandOptions): NamedRequest {
  const request = requestOf(image, options)
  if (request.kind !== 'named') throw notAName(image)
  return request
}

function notAName(image: string): VmImageError {
  return new VmImageError(
    'INVALID_REQUEST',
    `Cannot resolve "${image}": it is a URL or a file already, and a name like "fedora" or "debian:13" is wanted.\n` +
      `To put it into the cache, run: vmimage fetch ${image}`,
  )
}
