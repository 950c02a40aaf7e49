/**
 * Listings of a site, each asked once for a request. What a site itself does not answer is asked at its mirrors.
 */
import type { Context } from '../context.js'
import { VmImageError } from '../errors.js'
import { httpFaultOf } from '../http/fault.js'
import type { Provider } from '../providers/index.js'
import { rootOf } from '../providers/definition.js'
import { readDocument } from '../pages/document.js'
import { type Entry, parseListing } from '../pages/listing.js'
import { isLocal, listLocalDirectory } from './local-directory.js'
import { isAbsent, noteStep, type Trail } from './trail.js'

/** What was read so far, by address. */
export type PageCache = Map<string, Promise<readonly Entry[]>>

type Site = Provider['sources'][number]

interface Reader {
  readonly context: Context
  readonly trail: Trail
  readonly pages: PageCache
}

/** The entries of a listing. @throws VmImageError NETWORK, LISTING_UNREADABLE ... */
export function listEntries(url: string, site: Site, reader: Reader): Promise<readonly Entry[]> {
  const known = reader.pages.get(url)
  if (known) return known
  const reading = read(url, site, reader)
  reader.pages.set(url, reading)
  return reading
}

/** Undefined when the server says that there is no such directory. */
export async function tryListEntries(
  url: string,
  site: Site,
  reader: Reader,
): Promise<readonly Entry[] | undefined> {
  try {
    return await listEntries(url, site, reader)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function read(url: string, site: Site, reader: Reader): Promise<readonly Entry[]> {
  const [first, ...mirrors] = addressesOf(url, site)
  try {
    return await readAt(first, site, reader)
  } catch (error) {
    if (!isOutage(error)) throw error
    for (const mirror of mirrors) {
      const entries = await readAt(mirror, site, reader).catch(() => undefined)
      reader.context.signal.throwIfAborted()
      if (entries === undefined) continue
      reader.context.report({
        type: 'warning',
        message: `${url} does not answer; ${mirror} says what is there. ${error.message.split('\n', 1)[0]}`,
      })
      return entries
    }
    throw error
  }
}

async function readAt(url: string, site: Site, reader: Reader): Promise<readonly Entry[]> {
  const { context } = reader
  if (isLocal(url)) return listLocalDirectory(url)
  try {
    const answer = await context.http.text(url, { signal: context.signal })
    // Whoever leads from http to https may be anybody: what is listed there is no better than the way there.
    const page = url.startsWith('http:') ? { ...answer, url } : answer
    return site.document ? readDocument(page, site.document) : parseListing(page)
  } catch (error) {
    const fault = httpFaultOf(error)
    if (fault) noteStep(reader, { url, found: fault.message })
    throw error
  }
}

/** The address and those of the same file at the mirrors of its site. */
export function addressesOf(url: string, site: Site): readonly [string, ...string[]] {
  const root = rootOf(site)
  const others = url.startsWith(root) ? site.mirrors.map((mirror) => mirror + url.slice(root.length)) : []
  return [url, ...others]
}

/** A server that has an answer, also that there is nothing, is not passed over for another. */
function isOutage(error: unknown): error is VmImageError {
  const status = httpFaultOf(error)?.status
  return (
    error instanceof VmImageError &&
    httpFaultOf(error) !== undefined &&
    (status === undefined || status >= 500)
  )
}
