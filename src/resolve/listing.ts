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

/** A page as it came: `url` is where it came from in the end. */
export interface Page {
  readonly body: string
  readonly url: string
}

/**
 * Reads any kind of listing. Sort links, the way up, other hosts and deeper paths are left out; an empty directory is
 * an empty list.
 *
 * @throws VmImageError LISTING_UNREADABLE when the page is no listing.
 */
export function parseListing(page: Page): readonly Entry[] {
  const body = page.body.trimStart()
  if (/^[[{]/.test(body)) return jsonEntries(page)
  return body.includes('<') ? htmlEntries(page) : textEntries(page)
}

interface Link {
  readonly href: string
  text: string
  /** What stands between this link and the next: date, size, description. */
  rest: string
}

/**
 * A listing shows every entry by its own name; that tells its links from those of any page around it, and from the
 * ways up and to other orders.
 */
function htmlEntries(page: Page): readonly Entry[] {
  const { title, links } = readHtml(page.body)
  const entries = links.flatMap(({ href, text, rest }) => {
    const entry = entryAt(href, page.url, exactSize(rest))
    return entry && showsName(text, entry.name) ? [entry] : []
  })
  const isListing = entries.length > 0 || /^(?:index of|directory listing)\b/i.test(title)
  if (isListing || links.some(({ href }) => isWayAround(href, page.url))) return entries
  throw unreadable(
    page,
    `an ordinary web page${title === '' ? '' : ` with the title "${title.slice(0, 80)}"`}`,
  )
}

function readHtml(html: string): { readonly title: string; readonly links: readonly Link[] } {
  const links: Link[] = []
  let title = ''
  let inside = ''
  const parser = new Parser({
    onopentag(tag, { href }) {
      if (tag === 'a' && href !== undefined) links.push({ href, text: '', rest: '' })
      if (tag === 'a' || tag === 'title') inside = tag
    },
    ontext(text) {
      const link = links.at(-1)
      if (inside === 'title') title += text
      else if (link && inside === 'a') link.text += text
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
function isWayAround(href: string, pageUrl: string): boolean {
  if (!URL.canParse(href, pageUrl)) return false
  const [target, directory] = [new URL(href, pageUrl), new URL('.', pageUrl)]
  if (target.origin !== directory.origin) return false
  const isOrder = /^\?(?:c=|sort=)/i.test(target.search) && target.pathname === directory.pathname
  return isOrder || (/^\.\.\/?$/.test(href) && directory.pathname !== '/')
}

/** The size after a date and a time, at the end of the line: without a unit it is the number of bytes. */
function exactSize(rest: string): number | undefined {
  const [, digits] = /\d\d:\d\d(?::\d\d)?[^\S\n]+(\d+)[^\S\n]*(?:\n|$)/.exec(rest) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** A bare list, or a list in a field; its items are names, or records with a name. */
function jsonEntries(page: Page): readonly Entry[] {
  const items = findList(parseJson(page))
  if (items === undefined) throw unreadable(page, 'JSON without a list of names')
  return items.flatMap((item) => {
    const { name, type, size } = typeof item === 'string' ? { name: item } : fieldsOf(item)
    if (typeof name !== 'string') return []
    const isDirectory = name.endsWith('/') || type === 'dir' || type === 'directory'
    const path = encodeURIComponent(name.replace(/\/$/, ''))
    const entry = entryAt(`./${path}${isDirectory ? '/' : ''}`, page.url, asSize(size))
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

function findList(json: unknown): readonly unknown[] | undefined {
  return [json, ...Object.values(fieldsOf(json))].find((value) => Array.isArray(value))
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
  if (names.length === 0 || strange !== undefined) {
    throw unreadable(
      page,
      names.length === 0 ? 'an empty page' : `a text with the line "${strange?.slice(0, 80)}"`,
    )
  }
  return names.flatMap((name) => entryAt(name, page.url, undefined) ?? [])
}

/** The entry that a link leads to, when that lies directly in the directory of the page. */
function entryAt(href: string, pageUrl: string, sizeBytes: number | undefined): Entry | undefined {
  if (!URL.canParse(href, pageUrl)) return undefined
  const [target, directory] = [new URL(href, pageUrl), new URL('.', pageUrl)]
  const isBelow = target.origin === directory.origin && target.pathname.startsWith(directory.pathname)
  if (!isBelow || target.search !== '' || target.hash !== '') return undefined
  const path = target.pathname.slice(directory.pathname.length)
  const name = decode(path.replace(/\/$/, ''))
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (name === undefined || name === '' || /[/\\\u0000-\u001F\u007F]/.test(name)) return undefined
  const isDirectory = path.endsWith('/')
  return { name, isDirectory, url: target.href, sizeBytes: isDirectory ? undefined : sizeBytes }
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
