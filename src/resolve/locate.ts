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
import { addressesOf } from './listings.js'
import { type ResolvedImage, resolveImage } from './resolve.js'

/** The file that is looked for. */
export interface Wanted {
  readonly version: string
  readonly build: string | undefined
  readonly variant: string | undefined
  readonly digest: Digest
}

export interface Place {
  /** What the publisher has there; undefined when it has nothing of that version and build, or another file. */
  readonly image: ResolvedImage | undefined
  /** What was found at each address, for an error. */
  readonly found: readonly string[]
}

/**
 * Looks at each site of the publisher, one after the other, for that version and build. What contradicts the digest is not
 * handed out; where nothing is said about it, only its bytes can tell.
 */
export async function* locateImage(
  request: NamedRequest,
  { version, build, variant, digest }: Wanted,
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
    yield await lookAt(exact, context, keyCache)
  }
}

/** The address and those of the same file at the mirrors that the provider knows. */
export function knownAddresses(url: string, { sources }: Provider): readonly string[] {
  return [...new Set(sources.flatMap((site) => addressesOf(url, site)))]
}

async function lookAt(request: NamedRequest, context: Context, keyCache: KeyCache): Promise<Place> {
  try {
    // What is odd about a place where the file is not has nothing to do with it.
    const image = await resolveImage(request, { ...context, report: () => undefined }, keyCache)
    return { image, found: [] }
  } catch (error) {
    if (!(error instanceof VmImageError)) throw error
    return { image: undefined, found: triedIn(error) }
  }
}

/** The addresses that an error of the search lists at its end, else what it says first. */
function triedIn({ message }: VmImageError): readonly string[] {
  const [first = '', ...lines] = message.split('\n')
  const listed = lines.filter((line) => line.startsWith('  ')).map((line) => line.trim())
  return listed.length > 0 ? listed : [first]
}
