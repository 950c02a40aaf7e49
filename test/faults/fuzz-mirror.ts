/**
 * The mirror of the fuzz: serves at the speed of a network, breaks off, stalls and flips bits as its generator says, and
 * knows which worker it serves: each has a prefix of its own, `/w3`.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { etagOf } from '../support/mirror-tree.js'
import type { FaultSite } from './fault-site.js'
import type { Seeded } from './seeded.js'

/** One answer with bytes of an image. */
export interface Reply {
  readonly worker: number
  readonly path: string
  readonly startedAt: number
  readonly fault: 'none' | 'cut' | 'reset' | 'stall' | 'flip'
  bytesSent: number
  isOpen: boolean
}

export interface FuzzMirror extends AsyncDisposable {
  readonly url: string
  readonly replies: readonly Reply[]
}

export interface FaultRates {
  readonly cut: number
  readonly flip: number
  readonly stall: number
}

const pieceBytes = 65_536
const bytesPerMs = 8_000

/** @param onReply told of each reply before its first byte. */
export async function startFuzzMirror(
  { files, images }: FaultSite,
  rates: FaultRates,
  random: Seeded,
  onReply: (reply: Reply, others: readonly Reply[]) => void,
): Promise<FuzzMirror> {
  const replies: Reply[] = []
  const paths = new Set(Object.values(images).map(({ path }) => path))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, worker = '', found = ''] = /^\/w(\d+)(\/.*)$/.exec(request.url ?? '') ?? []
    const path = found.endsWith('/') ? `${found}index.html` : found
    const bytes = files[path]
    if (bytes === undefined) return void response.writeHead(404).end()
    if (!paths.has(path)) return void response.end(bytes)
    const whole = Buffer.from(bytes)
    const start = startOf(request, whole)
    if (start >= whole.length) {
      return void response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end()
    }
    const plan = planOf(whole.length - start, rates, random)
    const reply: Reply = {
      worker: Number(worker),
      path,
      startedAt: performance.now(),
      fault: plan.fault,
      bytesSent: 0,
      isOpen: true,
    }
    const others = replies.filter((other) => other.isOpen && other.path === path)
    replies.push(reply)
    onReply(reply, others)
    response.on('close', () => (reply.isOpen = false))
    const body = Buffer.from(whole.subarray(start, start + plan.bytes))
    if (plan.flipAt !== undefined) body.writeUInt8(body.readUInt8(plan.flipAt) ^ 1, plan.flipAt)
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': whole.length - start,
      etag: etagOf(whole),
      ...(start > 0 && { 'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}` }),
    })
    await send(response, body, reply)
    if (plan.fault === 'stall') await delay(plan.stallMs)
    if (plan.fault === 'reset') response.socket?.resetAndDestroy()
    else if (plan.fault === 'cut' || plan.fault === 'stall') response.destroy()
    else response.end()
  }

  const server = createServer((request, response) => {
    response.on('error', () => {}) // the client was killed, which is what this is for
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    replies,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface Plan {
  readonly fault: Reply['fault']
  /** So many of the bytes are sent. */
  readonly bytes: number
  readonly flipAt: number | undefined
  readonly stallMs: number
}

function planOf(bytes: number, rates: FaultRates, random: Seeded): Plan {
  // All numbers are taken each time: what one reply gets does not move what the next ones get.
  const [dice, at, isReset, stallMs] = [
    random.next(),
    random.next(),
    random.chance(0.5),
    random.between(500, 2500),
  ]
  const place = Math.floor(at * bytes)
  const whole = { bytes, flipAt: undefined, stallMs }
  if (dice < rates.cut) return { ...whole, fault: isReset ? 'reset' : 'cut', bytes: place }
  if (dice < rates.cut + rates.flip) return { ...whole, fault: 'flip', flipAt: place }
  if (dice < rates.cut + rates.flip + rates.stall) return { ...whole, fault: 'stall', bytes: place }
  return { ...whole, fault: 'none' }
}

function startOf(request: IncomingMessage, whole: Buffer): number {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  const condition = request.headers['if-range']
  return start === undefined || (condition !== undefined && condition !== etagOf(whole)) ? 0 : Number(start)
}

/** At the speed of a network, which is what processes are killed in the middle of. */
async function send(response: ServerResponse, body: Buffer, reply: Reply): Promise<void> {
  const startedAt = performance.now()
  for (let at = 0; at < body.length && reply.isOpen; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes)
    reply.bytesSent += piece.length
    if (!response.write(piece) && reply.isOpen) {
      const over = new AbortController()
      const events = [once(response, 'drain', over), once(response, 'close', over)]
      await Promise.race(events).finally(() => over.abort())
    }
    const early = (at + piece.length) / bytesPerMs - (performance.now() - startedAt)
    if (early > 0) await delay(early)
  }
}
