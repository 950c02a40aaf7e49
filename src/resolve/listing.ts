/**
 * Listings: what a server shows of a directory, as a list of its entries. Apache and nginx write it as HTML in several
 * ways, MirrorCache and others as JSON, some write one name per line. The door of htmlparser2.
 */
import { Parser } from 'htmlparser2'
import { VmImageError } from '../errors.js'

/** A file or directory that lies directly in the listed directory. */
export interface Entry {
  /** Decoded, without a slash at its end. It never holds a slash or a control character. */
  readonly name: string
  readonly isDirectory: boolean
  /** Absolute. */
  readonly url: string
  /** Only where the listing has it to the byte; `557M` is not a size to check against. */
  readonly sizeBytes: number | undefined
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
 * Reads any kind of listing. Sort links, the way up, other hosts and deeper paths are left out; an empty directory is
 * an empty list, but only where the page is certainly a listing.
 *
 * @throws VmImageError LISTING_UNREADABLE when the page is no listing, or one of another place.
 */
export function parseListing(page: Page): readonly Entry[] {
  const body = page.body.trimStart()
  if (/^[[{]/.test(body)) return jsonEntries(page)
  return body.includes('<') ? htmlEntries(page) : textEntries(page)
}

interface Link {
  readonly href: string
  text: string
  /** What stands on its line before it, and between it and the next: date, size, description. */
  readonly before: string
  rest: string
}

/**
 * A listing shows every entry by its own name; that tells its links from those of any page around it, and from the
 * ways up and to other orders. Any page may have such a link: a listing also has a title, such ways, or dates.
 */
function htmlEntries(page: Page): readonly Entry[] {
  const { title, links } = readHtml(page.body)
  const shown = links.flatMap((link) => {
    const entry = entryAt(link.href, page, exactSize(link.rest))
    return entry && showsName(link.text, entry.name) ? [{ entry, beside: link.before + link.rest }] : []
  })
  const isListing =
    /^(?:index of|directory listing)\b/i.test(title) ||
    shown.some(({ beside }) => isDated(beside)) ||
    links.some(({ href }) => isWayAround(href, page))
  if (!isListing) {
    const called = title === '' ? '' : ` with the title "${title.slice(0, 80)}"`
    throw unreadable(page, `an ordinary web page${called}`)
  }
  const foreign = shown.length === 0 ? links.filter((link) => isElsewhere(link, page)) : []
  if (foreign.length === 0) return shown.map(({ entry }) => entry)
  const hrefs = foreign.slice(0, 3).map(({ href }) => href.slice(0, 200))
  throw unreadable(page, `a list of what lies elsewhere (${hrefs.join(', ')})`)
}

function readHtml(html: string): { readonly title: string; readonly links: readonly Link[] } {
  const links: Link[] = []
  let title = ''
  let inside = ''
  /** The start of a line, up to its first link. */
  let before: string | undefined = ''
  const parser = new Parser({
    onopentag(tag, { href }) {
      if (tag === 'a' && href !== undefined) {
        links.push({ href, text: '', before: before ?? '', rest: '' })
        before = undefined
      }
      if (tag === 'br' || tag === 'tr' || tag === 'li') before = ''
      if (tag === 'a' || tag === 'title') inside = tag
    },
    ontext(text) {
      const link = links.at(-1)
      if (inside === 'title') title += text
      else if (link && inside === 'a') link.text += text
      else if (before !== undefined) before += text
      else if (link) link.rest += text
    },
    onclosetag(tag) {
      if (tag === inside) inside = ''
      const link = links.at(-1)
      if (link && (tag === 'td' || tag === 'tr')) link.rest += ' '
    },
  })
  parser.end(html)
  return { title: title.trim(), links }
}

/** Apache shortens a long name to `name..>`, others to `name...`. */
function showsName(text: string, name: string): boolean {
  const shown = text.trim().replace(/\/$/, '')
  const [, start] = /^(.+?)(?:\.\.>|\.{3}|…)$/.exec(shown) ?? []
  return shown === name || (start !== undefined && name.startsWith(start))
}

/** Another order of the same directory, or its parent: links that only listings have. */
function isWayAround(href: string, page: Page): boolean {
  return basesOf(page).some((base) => {
    const target = targetOf(href, base)
    const directory = new URL('.', base)
    if (target?.origin !== directory.origin) return false
    const isOrder = /^\?(?:c=|sort=)/i.test(target.search) && target.pathname === directory.pathname
    return isOrder || (/^\.\.\/?$/.test(href) && directory.pathname !== '/')
  })
}

/** A link that looks like an entry, and leads to no file or directory of the page's own. */
function isElsewhere({ href, text }: Link, { url }: Page): boolean {
  const path = targetOf(href, url)?.pathname.replace(/\/$/, '') ?? ''
  const name = decode(path.slice(path.lastIndexOf('/') + 1))
  return name !== undefined && name !== '' && showsName(text, name)
}

function isDated(text: string): boolean {
  return /\d[-/.](?:\d\d?|[a-z]{3})[-/.]\d{2,4}[^\S\n]{1,3}\d\d?:\d\d/i.test(text)
}

/** The size after a date and a time, at the end of the link's line: without a unit it is the number of bytes. */
function exactSize(rest: string): number | undefined {
  const [line = ''] = rest.split('\n', 1)
  const [, digits] = /\d\d:\d\d(?::\d\d)?\s+(\d+)$/.exec(line.trimEnd()) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** A list of names, or of records with a name; the latter also in a field. */
function jsonEntries(page: Page): readonly Entry[] {
  const items = findList(parseJson(page))
  if (items === undefined) throw unreadable(page, 'JSON without a list of names')
  return items.flatMap((item) => {
    const { name, type, size } = typeof item === 'string' ? { name: item } : fieldsOf(item)
    if (typeof name !== 'string') return []
    const isDirectory = name.endsWith('/') || type === 'dir' || type === 'directory'
    const path = encodeURIComponent(name.replace(/\/$/, ''))
    const entry = entryAt(`./${path}${isDirectory ? '/' : ''}`, page, asSize(size))
    return entry ? [entry] : []
  })
}

function parseJson(page: Page): unknown {
  try {
    return JSON.parse(page.body)
  } catch (error) {
    throw unreadable(page, 'JSON that ends early or is damaged', error)
  }
}

/** An empty list in some field, or one of other things, says nothing of files: the answer may be an error. */
function findList(json: unknown): readonly unknown[] | undefined {
  const isNames = Array.isArray(json) && json.every((item) => typeof item === 'string')
  if (isNames || isRecords(json)) return json
  const { data, ...others } = fieldsOf(json)
  if (isRecords(data)) return data
  return Object.values(others)
    .filter(isRecords)
    .find(({ length }) => length > 0)
}

function isRecords(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.every((item) => typeof fieldsOf(item)['name'] === 'string')
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function asSize(size: unknown): number | undefined {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined
}

function textEntries(page: Page): readonly Entry[] {
  const lines = page.body.split(/\r?\n/).map((line) => line.trim())
  const names = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const strange = names.find((name) => /\s/.test(name))
  if (names.length === 0) throw unreadable(page, 'an empty page')
  if (strange !== undefined) throw unreadable(page, `a text with the line "${strange.slice(0, 80)}"`)
  // A word alone, `Unauthorized`, is no name of an image and none of a directory.
  if (!names.some((name) => /\/$|\.\w/.test(name))) {
    throw unreadable(page, `a text that begins with "${names[0]?.slice(0, 80)}"`)
  }
  return names.flatMap((name) => entryAt(name, page, undefined) ?? [])
}

/** The entry that a link leads to, when that lies directly in the directory of the page. */
function entryAt(href: string, page: Page, sizeBytes: number | undefined): Entry | undefined {
  const path = pathBelow(href, page)
  const name = path === undefined ? undefined : decode(path.replace(/\/$/, ''))
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (path === undefined || !name || /[/\\\u0000-\u001F\u007F]/.test(name)) return undefined
  const isDirectory = path.endsWith('/')
  const url = new URL(`./${path}`, page.url).href
  return { name, isDirectory, url, sizeBytes: isDirectory ? undefined : sizeBytes }
}

/** What a link adds to the address of the page, by whichever of its two names. */
function pathBelow(href: string, page: Page): string | undefined {
  for (const base of basesOf(page)) {
    const target = targetOf(href, base)
    const directory = new URL('.', base)
    const isBelow = target?.origin === directory.origin && target.pathname.startsWith(directory.pathname)
    if (isBelow && target.search === '' && target.hash === '')
      return target.pathname.slice(directory.pathname.length)
  }
  return undefined
}

/** The mirror's first: a publisher's root is the beginning of every path, also of those that a mirror writes. */
function basesOf({ url, askedUrl = url }: Page): readonly string[] {
  return [...new Set([askedUrl, url])]
}

function targetOf(href: string, base: string): URL | undefined {
  return URL.canParse(href, base) ? new URL(href, base) : undefined
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign: no publisher's file is called so.
    return undefined
  }
}

function unreadable(page: Page, found: string, cause?: unknown): VmImageError {
  return new VmImageError(
    'LISTING_UNREADABLE',
    `Cannot read the listing "${page.url}": it is ${found}, expected a list of files.\n` +
      'Open the address in a browser: the login page of a network, a proxy or a moved site may be in the way.',
    { cause },
  )
}
