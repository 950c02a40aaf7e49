/** What people are told of the calls that could not be read. */

/** A call in one line of source, cut where it gets long. */
export function shortened(source: string): string {
  const line = source.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length <= maxTextLength ? line : `${line.slice(0, maxTextLength - 3)}...`
}

/** One line for all of them; undefined when there are none. */
export function unreadText(
  unread: readonly { readonly place: string; readonly text: string }[],
): string | undefined {
  if (unread.length === 0) return undefined
  const named = unread.slice(0, maxPlaces).map(({ place, text }) => `${place} (${text})`)
  const others = unread.length > maxPlaces ? ` and ${unread.length - maxPlaces} more` : ''
  return `cannot tell which image is meant at ${named.join(', ')}${others}: list it in images`
}

const maxTextLength = 60
const maxPlaces = 5
