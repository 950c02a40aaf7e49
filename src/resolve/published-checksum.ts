/** What a publisher says of its image: the checksum file that stands beside it. */
import { VmImageError } from '../errors.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate, wordsOf } from '../providers/pattern.js'
import { type Checksum, readChecksum } from './checksums.js'
import type { Found, Search } from './site.js'
import { isAbsent } from './trail.js'

export interface PublishedChecksum extends Checksum {
  /** Where it was read. */
  readonly url: string
}

/**
 * Reads the provider's checksum files in order of preference until one names the image. Undefined when there is no such
 * file, or the caller vouches for an image that none names.
 *
 * @throws VmImageError CHECKSUM_MISSING when none names it; CHECKSUM_CONFLICT; NETWORK when a file that is listed is not to be had.
 */
export async function findChecksum(
  found: Found,
  { request, context }: Search,
): Promise<PublishedChecksum | undefined> {
  let missing: VmImageError | undefined
  for (const url of checksumUrls(found, request.provider.checksumFiles)) {
    try {
      const page = await context.http.text(url, { signal: context.signal })
      return { ...readChecksum(page, found.entry.name), url }
    } catch (error) {
      if (!(error instanceof VmImageError) || !(error.code === 'CHECKSUM_MISSING' || isAbsent(error)))
        throw error
      missing ??= error
    }
  }
  if (missing && !request.checksum) throw missing
  return undefined
}

/** Those that lie beside the image. A name with a word that is not known here cannot be one of them. */
function checksumUrls({ siblings, words, entry }: Found, templates: readonly string[]): readonly string[] {
  const known: Readonly<Record<string, string | undefined>> = { ...words, file: entry.name }
  const names = templates
    .filter((template) => wordsOf(template).every((word) => known[word] !== undefined))
    .map((template) => fillTemplate(template, known))
  const urls = new Map(siblings.map(({ name, url }) => [name, url]))
  return names.flatMap((name) => urls.get(name) ?? [])
}

/** The error when nobody at all vouches for the image. */
export function noChecksum({ entry }: Found, { checksumFiles }: Provider): VmImageError {
  const directory = new URL('.', entry.url).href
  return new VmImageError(
    'CHECKSUM_MISSING',
    `Cannot verify "${entry.name}": "${directory}" lists no checksum file (${checksumFiles.join(', ')}).\n` +
      "Say what the image is, { checksum: 'sha256:<hex>' }, or name the file in the provider's checksumFiles.",
  )
}
