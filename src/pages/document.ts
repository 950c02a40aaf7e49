/** Documents: a publisher's JSON that names one image and its digest, in places that the provider points to. */
import { algorithmOfHexLength, digestOf } from '../digest.js'
import { VmImageError } from '../errors.js'
import type { DocumentPointers } from '../providers/definition.js'
import { decodeName, isFileName } from './listed-name.js'
import type { Entry, Page } from './listing.js'

/**
 * The image as the only entry of a list; none when the document has nothing at that place, as for an architecture that
 * is not built.
 *
 * @throws VmImageError LISTING_UNREADABLE when the page is no JSON, or what stands there is no address or no digest.
 */
export function readDocument(page: Page, pointers: DocumentPointers): readonly Entry[] {
  const document = parse(page)
  const image = valueAt(document, pointers.image)
  if (image === undefined) return []
  const base = pointers.base === undefined ? undefined : valueAt(document, pointers.base)
  const hex = valueAt(document, pointers.digest)
  const digest = typeof hex === 'string' && digestOf(algorithmOfHexLength(hex.length) ?? '', hex)
  if (!digest) throw unreadable(page, `no digest at ${pointers.digest}`)
  const url = addressOf(image, base, page)
  const name = url && decodeName(url.pathname.slice(url.pathname.lastIndexOf('/') + 1))
  if (url === undefined || name === undefined || !isFileName(name)) {
    throw unreadable(page, `no address of an image at ${pointers.image}`)
  }
  return [{ name, isDirectory: false, url: url.href, sizeBytes: undefined, digest, digestUrl: page.url }]
}

/** The value that a JSON Pointer (RFC 6901) leads to. */
function valueAt(document: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (value, token) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, token)
          ? Object.entries(value).find(([key]) => key === token)?.[1]
          : undefined,
      document,
    )
}

/** Never less safe than the document itself, and always that of a file. */
function addressOf(image: unknown, base: unknown, page: Page): URL | undefined {
  if (typeof image !== 'string' || !(base === undefined || typeof base === 'string')) return undefined
  const start = base === undefined ? page.url : `${base.replace(/\/$/, '')}/`
  const directory = URL.canParse(start, page.url) ? new URL(start, page.url).href : page.url
  if (!URL.canParse(image, directory)) return undefined
  const url = new URL(image, directory)
  const isSafe = url.protocol === 'https:' || url.protocol === new URL(page.url).protocol
  return isSafe && url.search === '' && url.hash === '' ? url : undefined
}

function parse(page: Page): unknown {
  try {
    return JSON.parse(page.body)
  } catch (error) {
    throw unreadable(page, 'no complete JSON', error)
  }
}

function unreadable(page: Page, found: string, cause?: unknown): VmImageError {
  return new VmImageError(
    'LISTING_UNREADABLE',
    `Cannot read the document "${page.url}": it has ${found}, expected the address and the digest of an image.\n` +
      'Open the address in a browser: the login page of a network may be in the way, or the publisher has changed its form.',
    { cause },
  )
}
