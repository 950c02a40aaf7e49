/**
 * HTML links: what a web page has of a listing, its title and its links with the text around them. The door of
 * htmlparser2, of which only the tokenizer is used: its parser keeps a stack of open tags, and a page of a megabyte
 * that opens many and closes others takes it more than a minute (seen with 12.0.0).
 */
import { Tokenizer } from 'htmlparser2'

export interface Link {
  readonly href: string
  text: string
  /** What stands on its line before it, and between it and the next: date, size, description. */
  readonly before: string
  rest: string
}

/** Reads any text; what is no HTML has no links. The time it takes grows with the length alone. */
export function readLinks(html: string): { readonly title: string; readonly links: readonly Link[] } {
  const links: Link[] = []
  let title = ''
  let inside = ''
  /** The start of a line, up to its first link. */
  let before: string | undefined = ''
  tokenize(html, {
    onOpen(tag, href) {
      if (tag === 'a' && href !== undefined) {
        links.push({ href, text: '', before: before ?? '', rest: '' })
        before = undefined
      }
      if (tag === 'br' || tag === 'tr' || tag === 'li') before = ''
      if (tag === 'a' || tag === 'title') inside = tag
      if (tag === 'td') onText(' ')
    },
    onText,
    onClose(tag) {
      if (tag === inside) inside = ''
    },
  })

  function onText(text: string): void {
    const link = links.at(-1)
    if (inside === 'title') title += text
    else if (link && inside === 'a') link.text += text
    else if (before !== undefined) before += text
    else if (link) link.rest += text
  }

  return { title: title.trim(), links }
}

interface Handler {
  readonly onOpen: (tag: string, href: string | undefined) => void
  readonly onText: (text: string) => void
  readonly onClose: (tag: string) => void
}

/** Names of tags come in lower case; entities are decoded. */
function tokenize(html: string, { onOpen, onText, onClose }: Handler): void {
  const lowerCase = (start: number, end: number) => html.slice(start, end).toLowerCase()
  let tag = ''
  let href: string | undefined
  let attribute = ''
  let value = ''
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      onopentagname: (start, end) => {
        tag = lowerCase(start, end)
        href = undefined
      },
      onattribname: (start, end) => {
        attribute = lowerCase(start, end)
        value = ''
      },
      onattribdata: (start, end) => void (value += html.slice(start, end)),
      onattribentity: (codePoint) => void (value += String.fromCodePoint(codePoint)),
      onattribend: () => {
        if (attribute === 'href') href ??= value
      },
      onopentagend: () => onOpen(tag, href),
      onselfclosingtag: () => onOpen(tag, href),
      ontext: (start, end) => onText(html.slice(start, end)),
      ontextentity: (codePoint) => onText(String.fromCodePoint(codePoint)),
      onclosetag: (start, end) => onClose(lowerCase(start, end)),
      oncdata: ignore,
      oncomment: ignore,
      ondeclaration: ignore,
      onprocessinginstruction: ignore,
      onend: ignore,
    },
  )
  tokenizer.write(html)
  tokenizer.end()
}

function ignore(): void {}
