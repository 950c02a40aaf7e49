/**
 * Mirror URLs: where a publisher's address is asked when VMIMAGE_MIRROR stands in for all publishers, and the way back.
 */

/**
 * Where a URL is asked: with mirror `http://host/prefix`, `https://site/path` becomes `http://host/prefix/site/path`.
 * Plain http URLs, and all URLs when there is no mirror, stay what they are.
 */
export function mirrorUrl(url: string, mirror: string | undefined): string {
  if (mirror === undefined || !url.startsWith('https://') || !URL.canParse(url)) return url
  const { host, pathname, search } = new URL(url)
  return `${prefixOf(mirror)}${host}${pathname}${search}`
}

/** The way back from {@link mirrorUrl}; a URL that is not the mirror's, or of no publisher, stays what it is. */
export function publisherUrl(url: string, mirror: string | undefined): string {
  if (mirror === undefined || !url.startsWith(prefixOf(mirror))) return url
  const back = `https://${url.slice(prefixOf(mirror).length)}`
  return URL.canParse(back) ? back : url
}

function prefixOf(mirror: string): string {
  return new URL(mirror).href.replace(/\/*$/, '/')
}
