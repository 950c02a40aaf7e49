/** A client that believes no cache on the way: what it reads was asked of the publisher itself, as far as proxies obey. */
import type { Http } from './http.js'

export function freshly(http: Http): Http {
  return {
    ...http,
    text: (url, options) => http.text(url, { ...options, fresh: true }),
    bytes: (url, options) => http.bytes(url, { ...options, fresh: true }),
  }
}
