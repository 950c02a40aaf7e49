/**
 * Proxies: through which one a URL is asked, by the rules that curl, wget and Node share. Pure; the environment is read
 * elsewhere.
 */
import { VmImageError } from '../errors.js'
import { HttpFault, toHttpFault } from './fault.js'

export interface ProxySettings {
  /** For http URLs, and for https URLs where there is no other. */
  readonly http: string | undefined
  readonly https: string | undefined
  /**
   * A NO_PROXY list, with commas or blanks: `host`, which stands for all hosts below it too, `.host`, `*.host`, each with
   * `:port` or without, and `*` for all. Addresses are compared as they are written; networks (`10.0.0.0/8`) are not known.
   */
  readonly except: string | undefined
}

/**
 * The proxy's URL; undefined when `url` is asked directly.
 *
 * @throws VmImageError INVALID_CONFIG when the proxy's address is none.
 */
export function proxyFor(url: string, { http, https, except }: ProxySettings): string | undefined {
  const target = new URL(url)
  const proxy = (target.protocol === 'https:' ? https : undefined) || http
  if (!proxy || isExcepted(target, except ?? '')) return undefined
  return proxyUrl(proxy)
}

/** What broke on the way through a proxy, which is named without its password: its owner can do something about it. */
export function throughProxy(error: unknown, proxy: string): HttpFault {
  const { message, ...details } = toHttpFault(error)
  return new HttpFault(`${message}, through the proxy ${new URL(proxy).origin}`, { ...details, cause: error })
}

function isExcepted({ protocol, hostname, port }: URL, list: string): boolean {
  const host = bare(hostname)
  const realPort = port || (protocol === 'https:' ? '443' : '80')
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = '', wantedPort] = /^(\[.*\]|.*?)(?::(\d+))?$/.exec(entry) ?? []
      const wanted = bare(entry.split(':').length > 2 && !entry.startsWith('[') ? entry : name)
      if (wanted === '*') return true
      const isPort = wantedPort === undefined || wanted === bare(entry) || wantedPort === realPort
      return isPort && (host === wanted || host.endsWith(`.${wanted}`))
    })
}

/** Without the brackets of an IPv6 address, and without the dot that says "below". */
function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^\*?\./, '')
}

/** Proxies are commonly written without a protocol, `proxy.example:3128`. */
function proxyUrl(value: string): string {
  const url = value.includes('://') ? value : `http://${value}`
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new VmImageError(
    'INVALID_CONFIG',
    `Cannot use the proxy "${value}": it is not the URL of an HTTP proxy.\nSet HTTP_PROXY and HTTPS_PROXY to the form http://host:port.`,
  )
}
