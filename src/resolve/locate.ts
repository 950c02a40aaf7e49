/**
 * locate: where else a publisher has a file that left its place. Publishers move old versions to an archive; the file is
 * the same, and its digest tells.
 */
import type { Context } from '../context.js'
import type { Digest } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { Provider } from '../providers/index.js'
import type { NamedRequest } from '../request/request.js'
import type { KeyCache } from '../signature/key-cache.js'
import { rootOf } from '../providers/definition.js'
import { addressesOf } from './listings.js'
import { resolveImage } from './resolve.js'
import type { Site } from './site.js'

/** The file that is looked for. */
export interface Wanted {
  readonly version: string
  readonly build: string | undefined
  readonly variant: string | undefined
  readonly digest: Digest
  /** Where it was. */
  readonly url: string
}

export interface Place {
  /** Where the file may be, and where nothing says that it is another one. */
  readonly urls: readonly string[]
  /** What was found on the way, for an error. */
  readonly found: readonly string[]
}

/**
 * Looks at each site of the publisher, one after the other, for that version and build. What contradicts the digest is not
 * handed out; where nothing is said about it, only its bytes can tell.
 */
export async function* locateImage(
  request: NamedRequest,
  { version, build, variant, digest, url }: Wanted,
  context: Context,
  keyCache: KeyCache,
): AsyncGenerator<Place> {
  for (const site of request.provider.sources) {
    const exact: NamedRequest = {
      ...request,
      provider: { ...request.provider, sources: [site] },
      version: { kind: 'name', text: version },
      build,
      variant: variant ?? request.variant,
      // As if the caller had given it: another one is a conflict, and no signature is needed.
      checksum: digest,
    }
    try {
      // What is odd about a place where the file is not has nothing to do with it.
      const image = await resolveImage(exact, { ...context, report: () => undefined }, keyCache)
      yield { urls: image.urls, found: [] }
    } catch (error) {
      if (!(error instanceof VmImageError)) throw error
      const isElsewhere = error.code === 'CHECKSUM_CONFLICT' || error.code === 'UNKNOWN_ARCH'
      const urls = isElsewhere ? [] : likelyAddresses(url, site, request.provider)
      yield { urls, found: error.code === 'UNKNOWN_ARCH' ? [] : triedIn(error) }
    }
  }
}

/** The address and those of the same file at the mirrors that the provider knows. */
export function knownAddresses(url: string, { sources }: Provider): readonly string[] {
  return [...new Set(sources.flatMap((site) => addressesOf(url, site)))]
}

/** The addresses that the file would have at a site that does not list it: an archive most often has the tree of the main site. */
function likelyAddresses(url: string, target: Site, { sources }: Provider): readonly string[] {
  const roots = sources.map(rootOf).filter((root) => url.startsWith(root))
  const urls = roots.flatMap((root) => addressesOf(rootOf(target) + url.slice(root.length), target))
  // The root of a site may have words to be filled in, which stand for nothing here.
  return [...new Set(urls)].filter((address) => !address.includes('{'))
}

/** The addresses that an error of the search lists at its end, else what it says first. */
function triedIn({ message }: VmImageError): readonly string[] {
  const [first = '', ...lines] = message.split('\n')
  const listed = lines.filter((line) => line.startsWith('  ')).map((line) => line.trim())
  return listed.length > 0 ? listed : [first]
}
