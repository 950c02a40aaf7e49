/**
 * HTTP: texts, small files and byte streams from publishers and their mirrors, with timeouts, redirects, proxies and the mirror
 * setting in one place. The door of undici, which takes some 80 ms to load: it is imported by the first request, so
 * a run that finds everything in the cache never pays for it.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { backoffMs, pause } from './backoff.js'
import { VmImageError } from '../errors.js'
import { packageVersion } from '../package-version.js'
import { findFault, type HttpHead, isRedirect, joinValues, redirectTarget } from './answer.js'
import { bodyOf, type HttpBody, readWhole } from './body.js'
import { faultError, HttpFault, httpFaultOf, offlineError } from './fault.js'
import { mirrorUrl, publisherUrl } from './mirror-url.js'
import { orAbort } from './or-abort.js'
import { proxyFor, type ProxySettings, throughProxy } from './proxy.js'

export interface HttpOptions {
  /** Prefix that every https URL is asked under; see {@link mirrorUrl}. */
  readonly mirror: string | undefined
  /** True: every request fails before a socket is opened. */
  readonly offline: boolean
  /** The environment is not read. */
  readonly proxy: ProxySettings
  readonly timeouts?: Partial<HttpTimeouts> | undefined
}

export interface HttpTimeouts {
  /** From the start of a request until the headers of its answer: name look-up, connection, proxy and all. Default 15 000. */
  readonly answerMs: number
  /** Between two pieces of a body. Default 30 000. */
  readonly bodyMs: number
  /** A whole text or small file, start to end. Default 120 000. */
  readonly textMs: number
  /** Before `text()` or `bytes()` asks again for the first time; the wait doubles each time. Default 500. */
  readonly retryMs: number
  /** The longest wait before they ask again, also when the server asks for more. Default 20 000. */
  readonly retryMaxMs: number
}

export interface Http {
  /** The text of a page: what `bytes()` gives, as UTF-8. */
  text(url: string, options?: ReadOptions): Promise<HttpText>
  /**
   * The bytes of a small file: a page, a key, a signature. Overloaded servers and failed connections are asked again,
   * four times in all.
   *
   * @throws VmImageError ANSWER_TOO_LARGE when there is more of it than `maxBytes`, and what `stream()` throws.
   */
  bytes(url: string, options?: ReadOptions): Promise<HttpBytes>
  /**
   * Starts one request and hands out the bytes as they come. The caller reads the body to its end or destroys it.
   *
   * @throws VmImageError OFFLINE; INSECURE_REDIRECT when the way leads from https to http; NETWORK when there was no
   * usable answer.
   */
  stream(url: string, options?: StreamOptions): Promise<HttpStream>
  /** Closes what is open. A later request opens it again. */
  close(): Promise<void>
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** True: caches on the way must ask the publisher again. Default false. */
  readonly fresh?: boolean | undefined
  /** More is an error. Default 32 MiB. */
  readonly maxBytes?: number | undefined
}

export interface HttpText extends Source {
  readonly body: string
  readonly contentType: string | undefined
}

export interface HttpBytes extends Source {
  readonly bytes: Buffer
  readonly contentType: string | undefined
}

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** `status` is 200, or 206 if a range was asked for. */
export interface HttpStream extends HttpHead, Source {
  readonly body: HttpBody
}

interface Source {
  /** Where the bytes come from after redirects, on the publisher's side: relative links start from here. */
  readonly url: string
  /** The same address as it was really asked, which is the mirror's where there is one. */
  readonly askedUrl: string
}

const defaultTimeouts: HttpTimeouts = {
  answerMs: 15_000,
  bodyMs: 30_000,
  textMs: 120_000,
  retryMs: 500,
  retryMaxMs: 20_000,
}
const maxRedirects = 5
const readAttempts = 4

/** Makes a client. Nothing is loaded or opened before the first request. */
export function createHttp({ mirror, offline, proxy, timeouts }: HttpOptions): Http {
  const limits = { ...defaultTimeouts, ...timeouts }
  let opening: ReturnType<typeof openAgents> | undefined

  async function stream(url: string, { signal, headers = {} }: StreamOptions = {}): Promise<HttpStream> {
    if (offline) throw offlineError(url)
    const start = mirrorUrl(url, mirror)
    if (!/^https?:/.test(start) || !URL.canParse(start)) {
      throw faultError(url, start, new HttpFault('it is not an http or https URL'))
    }
    try {
      let here = start
      for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
        const answer = await ask(here, headers, signal)
        const fault = findFault(answer, here, 'range' in headers)
        // What was not asked through the mirror has no other address than its own.
        if (!fault)
          return { ...answer, url: start === url ? here : publisherUrl(here, mirror), askedUrl: here }
        answer.body.destroy()
        const target = isRedirect(answer) ? redirectTarget(here, answer) : fault
        if (target instanceof HttpFault) throw faultError(url, start, target)
        here = target
      }
      throw faultError(url, start, new HttpFault(`more than ${maxRedirects} redirects, the last to ${here}`))
    } catch (error) {
      signal?.throwIfAborted()
      throw error instanceof VmImageError ? error : faultError(url, start, error)
    }
  }

  /** One request. Redirects are not left to undici: at its limit it hands out the last one as a success. */
  async function ask(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ) {
    const through = proxyFor(url, proxy)
    const { request, agentFor, userAgent } = await (opening ??= openAgents(limits.answerMs))
    using deadline = startDeadline(limits.answerMs, 'no answer', signal)
    const asking = request(url, {
      dispatcher: agentFor(through),
      signal: deadline.signal,
      headersTimeout: 0, // the deadline covers the connection and a proxy's tunnel as well
      bodyTimeout: limits.bodyMs,
      headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers },
    })
    const answer = await orAbort(asking, deadline.signal).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw through === undefined ? error : throughProxy(error, through)
    })
    return { status: answer.statusCode, headers: joinValues(answer.headers), body: bodyOf(answer.body) }
  }

  async function text(url: string, options?: ReadOptions): Promise<HttpText> {
    const { bytes: body, ...source } = await bytes(url, options)
    return { body: body.toString('utf8'), ...source }
  }

  async function bytes(url: string, options: ReadOptions = {}): Promise<HttpBytes> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await readOnce(url, options)
      } catch (error) {
        const fault = httpFaultOf(error)
        if (!fault?.isPassing || failures === readAttempts) throw error
        await pause(backoffMs(failures, fault.retryAfterMs, limits), options.signal)
      }
    }
  }

  async function readOnce(
    url: string,
    { signal, fresh = false, maxBytes = 2 ** 25 }: ReadOptions,
  ): Promise<HttpBytes> {
    using deadline = startDeadline(limits.textMs, 'no complete answer', signal)
    try {
      const options = {
        signal: deadline.signal,
        headers: fresh ? { 'cache-control': 'no-cache' } : undefined,
      }
      const { body, headers, url: end, askedUrl } = await stream(url, options)
      return {
        bytes: await readWhole(body, maxBytes),
        url: end,
        askedUrl,
        contentType: headers['content-type'],
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw error instanceof VmImageError ? error : faultError(url, mirrorUrl(url, mirror), error)
    }
  }

  async function close(): Promise<void> {
    const open = await opening
    opening = undefined
    await open?.destroy()
  }

  return { text, bytes, stream, close }
}

/** The status behind an error of this client; undefined when no server answered, or for any other error. */
export function httpStatusOf(error: unknown): number | undefined {
  return httpFaultOf(error)?.status
}

/** One agent for what is asked directly, and one for each proxy. */
async function openAgents(connectTimeout: number) {
  const { Agent, ProxyAgent, request } = await import('undici')
  const agents = new Map<string | undefined, InstanceType<typeof Agent | typeof ProxyAgent>>()
  const agentFor = (proxy: string | undefined) => {
    // Only https goes through CONNECT, which proxies commonly refuse for port 80.
    const open = () =>
      proxy === undefined
        ? new Agent({ connectTimeout })
        : new ProxyAgent({ uri: proxy, proxyTunnel: false, connectTimeout })
    const agent = agents.get(proxy) ?? open()
    agents.set(proxy, agent)
    return agent
  }
  const destroy = () => Promise.all([...agents.values()].map((agent) => agent.destroy()))
  return { request, agentFor, destroy, userAgent: `vmimage/${packageVersion}` }
}

function startDeadline(ms: number, missing: string, signal: AbortSignal | undefined) {
  const deadline = new AbortController()
  const late = new HttpFault(`${missing} within ${ms} ms`, { isPassing: true })
  const timer = setTimeout(() => deadline.abort(late), ms)
  return {
    signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
