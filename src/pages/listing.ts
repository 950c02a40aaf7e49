/**
 * Listings: what a server shows of a directory, as a list of its entries. Apache and nginx write it as HTML in several
 * ways, others as JSON or as plain text. Whatever the page says, an entry lies directly in the directory of the page.
 */
import type { Digest } from '../digest.js'
import type { VmImageError } from '../errors.js'
import { type Link, readLinks } from './html-links.js'
import { readJsonNames } from './json-names.js'
import { decodeName, isFileName, type ListedName } from './listed-name.js'
import { readTextNames } from './text-names.js'
import { unreadable } from './unreadable.js'

/** A file or directory that lies directly in the listed directory. */
export interface Entry {
  /** Decoded, without a slash at its end. It never holds a slash or a control character. */
  readonly name: string
  readonly isDirectory: boolean
  /** Absolute. */
  readonly url: string
  /** Only where the listing has it to the byte; `557M` is not a size to check against. */
  readonly sizeBytes: number | undefined
  /** Only where the list itself says it: a JSON document of the publisher's. */
  readonly digest?: Digest | undefined
  /** Where that document was read. */
  readonly digestUrl?: string | undefined
}

/** A page as it came. */
export interface Page {
  readonly body: string
  /** Where it came from in the end, on the publisher's side. */
  readonly url: string
  /** Where it was really asked: a mirror may write links of its own. Default: `url`. */
  readonly askedUrl?: string | undefined
}

/**
 * Reads any kind of listing. Sort links, the way up, other hosts, deeper paths and what cannot be the name of a file are
 * left out; an empty directory is an empty list, but only where the page is certainly a listing.
 *
 * @throws VmImageError LISTING_UNREADABLE when the page is no listing, or one of another place.
 */
export function parseListing(page: Page): readonly Entry[] {
  const body = page.body.trimStart()
  if (/^[[{]/.test(body)) return namedEntries(readJsonNames(body, page.url), page)
  return body.includes('<') ? htmlEntries(page) : namedEntries(readTextNames(body, page.url), page)
}

function namedEntries(names: readonly ListedName[], page: Page): readonly Entry[] {
  const directory = new URL('.', page.url).href
  const entries = names.flatMap((listed) => {
    const name = listed.name.replace(/\/$/, '')
    if (!isFileName(name)) return []
    const isDirectory = name !== listed.name
    const url = `${directory}${encodeURIComponent(name)}${isDirectory ? '/' : ''}`
    return [{ name, isDirectory, url, sizeBytes: isDirectory ? undefined : listed.sizeBytes }]
  })
  if (entries.length > 0 || names.length === 0) return entries
  const foreign = names.map(({ name }) => name)
  throw elsewhere(page, foreign)
}

/**
 * A listing shows every entry by its own name; that tells its links from those of any page around it, and from the
 * ways up and to other orders. Any page may have such a link: a listing also has a title, such ways, or dates.
 */
function htmlEntries(page: Page): readonly Entry[] {
  const { title, links } = readLinks(page.body)
  const place = placeOf(page)
  const shown = links.flatMap((link) => {
    const entry = entryAt(link, place)
    return entry && showsName(link.text, entry.name) ? [{ entry, beside: link.before + link.rest }] : []
  })
  const isListing =
    /^(?:index of|directory listing)\b/i.test(title) ||
    shown.some(({ beside }) => isDated(beside)) ||
    links.some(({ href }) => place.names.some((directory) => isWayAround(href, directory)))
  if (!isListing) {
    const called = title === '' ? '' : ` with the title "${title.slice(0, 80)}"`
    throw unreadable(page.url, `an ordinary web page${called}`)
  }
  if (shown.length > 0) return shown.map(({ entry }) => entry)
  const foreign = links.flatMap((link) => (isElsewhere(link, place) ? [link.href] : []))
  if (foreign.length === 0) return []
  throw elsewhere(page, foreign)
}

/** Apache shortens a long name to `name..>`, others to `name...`. */
function showsName(text: string, name: string): boolean {
  const shown = text.trim().replace(/\/$/, '')
  const [, start] = /^(.+?)(?:\.\.>|\.{3}|…)$/.exec(shown) ?? []
  return shown === name || (start !== undefined && name.startsWith(start))
}

/** Another order of the same directory, or its parent: links that only listings have. */
function isWayAround(href: string, directory: URL): boolean {
  const target = targetOf(href, directory)
  if (target?.origin !== directory.origin) return false
  const isOrder = /^\?(?:c=|sort=)/i.test(target.search) && target.pathname === directory.pathname
  return isOrder || (/^\.\.\/?$/.test(href) && directory.pathname !== '/')
}

/** A link that looks like an entry, and leads to no file or directory of the page's own. */
function isElsewhere({ href, text }: Link, { own }: Place): boolean {
  const path = targetOf(href, own)?.pathname.replace(/\/$/, '') ?? ''
  const name = decodeName(path.slice(path.lastIndexOf('/') + 1))
  return name !== undefined && name !== '' && showsName(text, name)
}

function isDated(text: string): boolean {
  return /\d[-/.](?:\d\d?|[a-z]{3})[-/.]\d{2,4}[^\S\n]{1,3}\d\d?:\d\d/i.test(text)
}

/** The size after a date and a time, at the end of the link's line: without a unit it is the number of bytes. */
function exactSize(rest: string): number | undefined {
  const [line = ''] = rest.split('\n', 1)
  const [, digits] = /\d\d:\d\d(?::\d\d)?\s+(\d{1,15})$/.exec(line.trimEnd()) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The directory of a page. */
interface Place {
  /** On the publisher's side. */
  readonly own: URL
  /** The mirror's first: a publisher's root is the beginning of every path, also of those that a mirror writes. */
  readonly names: readonly URL[]
}

function placeOf({ url, askedUrl = url }: Page): Place {
  const own = new URL('.', url)
  return { own, names: askedUrl === url ? [own] : [new URL('.', askedUrl), own] }
}

/** The entry that a link leads to, by whichever name of the directory, when it lies directly in there. */
function entryAt({ href, rest }: Link, { own, names }: Place): Entry | undefined {
  const path = names.map((directory) => pathBelow(href, directory)).find((found) => found !== undefined)
  const name = path === undefined ? undefined : decodeName(path.replace(/\/$/, ''))
  if (path === undefined || name === undefined || !isFileName(name)) return undefined
  const isDirectory = path.endsWith('/')
  return { name, isDirectory, url: own.href + path, sizeBytes: isDirectory ? undefined : exactSize(rest) }
}

/** What a link adds to the address of a directory. */
function pathBelow(href: string, directory: URL): string | undefined {
  const target = targetOf(href, directory)
  const isBelow = target?.origin === directory.origin && target.pathname.startsWith(directory.pathname)
  return isBelow && target.search === '' && target.hash === ''
    ? target.pathname.slice(directory.pathname.length)
    : undefined
}

function targetOf(href: string, directory: URL): URL | undefined {
  return URL.canParse(href, directory.href) ? new URL(href, directory) : undefined
}

function elsewhere({ url }: Page, links: readonly string[]): VmImageError {
  const shown = links.slice(0, 3).map((link) => link.slice(0, 200))
  return unreadable(url, `a list of what lies elsewhere (${shown.join(', ')})`)
}
