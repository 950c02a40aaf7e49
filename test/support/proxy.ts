/**
 * A forward proxy on a free port of 127.0.0.1, for plain requests (absolute-form) and for tunnels (CONNECT), that
 * remembers what went through it.
 */
import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'
import { connect } from 'node:net'

export interface Proxy extends AsyncDisposable {
  readonly url: string
  /** `GET http://host/path` and `CONNECT host:port`, in the order in which they came. */
  readonly requests: readonly string[]
  /** The Proxy-Authorization of each. */
  readonly authorizations: readonly (string | undefined)[]
}

export async function startProxy(): Promise<Proxy> {
  const requests: string[] = []
  const authorizations: (string | undefined)[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    authorizations.push(request.headers['proxy-authorization'])
    const target = forward(request.url ?? '', { method: request.method, headers: request.headers })
    target.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    target.on('error', () => response.destroy())
    target.end()
  })
  server.on('connect', (request, socket) => {
    requests.push(`CONNECT ${request.url}`)
    authorizations.push(request.headers['proxy-authorization'])
    const [host, port] = (request.url ?? '').split(':')
    const target = connect(Number(port), host)
    target.on('connect', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy())
    socket.pipe(target).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    authorizations,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
