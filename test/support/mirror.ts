/**
 * The loopback mirror: a real HTTP server on a free port of 127.0.0.1 that serves a directory or a few files from
 * memory, remembers what it was asked, and misbehaves on request in the ways that real servers do.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { certificate, certificateKey } from './mirror-certificate.js'
import { openTree, type MirrorFile, type ServedFile } from './mirror-tree.js'

/** What goes wrong with one answer. Fields can be combined: `{ etag: 'W/"1"', cutAfter: 1000 }`. */
export interface Fault {
  /** No byte is ever answered. */
  readonly silent?: true
  /** Answer with this status and a short text instead of the file. */
  readonly status?: number
  /** Headers to add or replace; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** The connection ends after this many bytes of the body, by FIN or (`reset`) by RST. */
  readonly cutAfter?: number
  readonly reset?: true
  /** Nothing more is sent after this many bytes of the body, and the connection stays open. */
  readonly stallAfter?: number
  /** This many bytes of the body each `everyMs` milliseconds. */
  readonly trickle?: { readonly bytes: number; readonly everyMs: number }
  /** The Content-Length that is declared, whatever is sent. */
  readonly contentLength?: number
  /** The body is sent again and again, in chunks without a length. */
  readonly endless?: true
  /** HTTP/1.0: no length is declared, and the end of the connection is the end of the body. */
  readonly http10?: true
  /** A range is answered with 200 and the whole file. */
  readonly ignoreRange?: true
  /** Serve these bytes, from this request on, instead of the file. */
  readonly swap?: MirrorFile
  /** One bit of the byte at this offset of the file arrives inverted. */
  readonly flipAt?: number
}

export interface MirrorRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<IncomingMessage['headers']>
  /** The Range header. */
  readonly range: string | undefined
  /** The status that was answered; 0 when nothing was. */
  readonly status: number
  /** Bytes of the body that were handed to the connection. */
  readonly bytesSent: number
}

export interface Mirror extends AsyncDisposable {
  /** `http://127.0.0.1:port`, or https, without a slash at the end. */
  readonly url: string
  /** Every request so far, in the order in which they came. */
  readonly requests: readonly MirrorRequest[]
  /** Bytes of bodies sent for a path, over all requests. */
  bytesServed(path: string): number
  /** The next `times` requests for a path (default 1, Infinity for all) go wrong; several faults queue up. */
  fail(path: string, fault: Fault, times?: number): void
}

/** What one request gets; mutable, because the server fills it in while it answers. */
type Exchange = { -readonly [Key in keyof MirrorRequest]: MirrorRequest[Key] }

export interface MirrorOptions {
  /** `https` answers with a certificate of its own; see mirror-certificate.ts. Default `http`. */
  readonly protocol?: 'http' | 'https'
}

/**
 * Serves a directory (by its path) or files from memory (path -> content). A directory is answered with its
 * `index.html`, without a trailing slash with a redirect there, and everything unknown with 404.
 */
export async function startMirror(
  content: string | Readonly<Record<string, MirrorFile>>,
  { protocol = 'http' }: MirrorOptions = {},
): Promise<Mirror> {
  const tree = openTree(content)
  const requests: Exchange[] = []
  const faults: { path: string; fault: Fault; times: number }[] = []

  function takeFault(path: string): Fault {
    const found = faults.find((planned) => planned.path === path && planned.times > 0)
    if (!found) return {}
    found.times -= 1
    if (found.fault.swap !== undefined) tree.put(path, found.fault.swap)
    return found.fault
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // As a proxy it is asked for whole addresses, and has them where it has the same over https.
    const { host, pathname } = new URL(request.url ?? '/', 'http://mirror')
    const path = decodePath(host === 'mirror' ? pathname : `/${host}${pathname}`)
    const { method = 'GET', headers } = request
    const exchange: Exchange = { method, path, headers, range: headers.range, status: 0, bytesSent: 0 }
    requests.push(exchange)
    const fault = takeFault(path)
    if (fault.silent) return
    const file = await tree.find(path)
    if (fault.status !== undefined) return sendShort(exchange, response, fault.status, fault.headers)
    if (file === 'directory') return sendShort(exchange, response, 301, { location: `${path}/` })
    if (!file) return sendShort(exchange, response, 404)
    await sendFile(exchange, request, response, file, fault)
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {}) // the client went away, which many tests want
    answer(request, response).catch(() => response.destroy())
  }

  const server =
    protocol === 'http'
      ? createServer(serve)
      : createTlsServer({ cert: certificate, key: certificateKey }, serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined

  return {
    url: `${protocol}://127.0.0.1:${port}`,
    requests,
    bytesServed: (path) =>
      requests.filter((one) => one.path === path).reduce((sum, one) => sum + one.bytesSent, 0),
    fail: (path, fault, times = 1) => void faults.push({ path, fault, times }),
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function sendShort(
  exchange: Exchange,
  response: ServerResponse,
  status: number,
  headers: Fault['headers'] = {},
): void {
  const body = `${status}\n`
  exchange.status = status
  exchange.bytesSent = body.length
  response.writeHead(status, defined({ 'content-length': String(body.length), ...headers }))
  response.end(body)
}

async function sendFile(
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  fault: Fault,
): Promise<void> {
  const range = fault.ignoreRange ? undefined : readRange(request, file)
  const [start, end] = range ?? [0, file.size]
  if (start >= file.size && range) {
    return sendShort(exchange, response, 416, { 'content-range': `bytes */${file.size}` })
  }
  exchange.status = range ? 206 : 200
  const headers = defined({
    'accept-ranges': 'bytes',
    'content-type': file.contentType,
    'content-length': fault.endless || fault.http10 ? undefined : String(fault.contentLength ?? end - start),
    'content-range': range && `bytes ${start}-${end - 1}/${file.size}`,
    etag: file.etag,
    'last-modified': file.lastModified,
    date: new Date().toUTCString(),
    ...fault.headers,
  })
  if (fault.http10) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    response.socket?.write(`HTTP/1.0 ${exchange.status} OK\r\n${lines.join('')}\r\n`)
  } else {
    response.writeHead(exchange.status, headers)
    response.flushHeaders()
  }
  if (request.method !== 'HEAD') await sendBody(exchange, response, file, { start, end, fault })
}

async function sendBody(
  exchange: Exchange,
  response: ServerResponse,
  file: ServedFile,
  { start, end, fault }: { start: number; end: number; fault: Fault },
): Promise<void> {
  const sink = fault.http10 && response.socket ? response.socket : response
  const limit = Math.min(fault.cutAfter ?? Infinity, fault.stallAfter ?? Infinity)
  let position = start
  do {
    for await (const chunk of file.read(start, end, fault.trickle?.bytes)) {
      const bytes = chunk.subarray(0, limit - exchange.bytesSent)
      const flip = (fault.flipAt ?? -1) - position
      if (flip >= 0 && flip < bytes.length) bytes[flip] = (bytes[flip] ?? 0) ^ 1
      position += bytes.length
      exchange.bytesSent += bytes.length
      if (!sink.write(bytes)) await drained(sink, response)
      if (response.destroyed || response.closed || exchange.bytesSent >= limit) break
      if (fault.trickle) await sleep(fault.trickle.everyMs)
    }
  } while (fault.endless && !response.closed)
  if (fault.stallAfter !== undefined) return
  if (fault.reset) response.socket?.resetAndDestroy()
  else if (fault.cutAfter !== undefined || fault.contentLength !== undefined) response.socket?.end()
  else sink.end()
}

/** Resolves when more may be written, or nobody is left to read it. */
async function drained(sink: Writable, response: ServerResponse): Promise<void> {
  const over = new AbortController()
  const events = [once(sink, 'drain', over), once(response, 'close', over)]
  await Promise.race(events).finally(() => over.abort())
}

/** `[start, end)` of the file, when a range is asked for and an If-Range still holds (RFC 9110, section 13.1.5). */
function readRange(request: IncomingMessage, file: ServedFile): [number, number] | undefined {
  const [, start, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const condition = request.headers['if-range']
  if (start === undefined) return undefined
  if (condition !== undefined && condition !== file.etag && condition !== file.lastModified) return undefined
  return [Number(start), last ? Math.min(Number(last) + 1, file.size) : file.size]
}

function defined(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** A path that is no valid percent-encoding names a file of that very name. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // URIError, the only thing it throws
  }
}
