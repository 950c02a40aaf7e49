/**
 * The body of an HTTP answer as it is handed out: its bytes in order, then its end or its error.
 */
import { on } from 'node:events'
import type { Readable } from 'node:stream'
import { HttpFault } from './fault.js'

export interface HttpBody extends AsyncIterable<Buffer> {
  /** Ends the connection; whoever reads gets `error`, if one is given, after what has arrived. */
  destroy(error?: Error): unknown
}

/**
 * The bytes of a body; all that came before it broke off are handed out before the error is thrown. (The iterator of
 * a stream drops what is still in its buffer.) It listens from now on, not from the first read, to miss no event.
 */
export function bodyOf(body: Readable): HttpBody {
  const chunks = on(body, 'data', { close: ['end', 'close'], highWaterMark: 64, lowWaterMark: 16 })
  body.on('error', () => {}) // one that nobody reads on must not end the process
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
      try {
        for await (const [chunk] of chunks) yield chunk
      } finally {
        body.destroy()
      }
    },
    destroy: (error) => body.destroy(error),
  }
}

/**
 * The whole body.
 *
 * @throws HttpFault ANSWER_TOO_LARGE when it has more than `maxBytes`; what is over is not read.
 */
export async function readWhole(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new HttpFault(`more than ${maxBytes} bytes`, { code: 'ANSWER_TOO_LARGE' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
