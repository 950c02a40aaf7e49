import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { createHttp } from '../../src/http/http.js'
import { image, startDownloading } from '../support/downloading.js'
import { startMirror } from '../support/mirror.js'
import { startWorker } from '../support/worker.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

/** Connects until the queue of a listener that accepts nobody is full: from then on Linux answers no SYN. */
async function fill(port: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}) // it is closed at the end of the test
    sockets.push(socket)
    const isIn = await Promise.race([once(socket, 'connect').then(() => true), delay(1000, false)])
    if (!isIn) return sockets
  }
}

/** A process that listens, accepts nobody, and has its queue full. */
async function startBlackHole() {
  const hole = startWorker(`
    const { createServer } = await import('node:net')
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 })
    server.on('listening', () => console.log('port ' + server.address().port))`)
  const port = Number((await hole.line(/^port /)).slice('port '.length))
  hole.kill('SIGSTOP')
  const sockets = await fill(port)
  return {
    url: `http://127.0.0.1:${port}/file`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await hole[Symbol.asyncDispose]()
    },
  }
}

/** Only Linux is known to drop what does not fit into the queue of a listener; see fill(). */
const linuxTest = test.runIf(process.platform === 'linux')

linuxTest(
  'fault 23, an address swallows all packets: the attempt to connect ends in time, and the next mirror is asked',
  async () => {
    await using hole = await startBlackHole()
    await using mirror = await startMirror({ file: image })
    await using downloading = await startDownloading()
    expect((await downloading.run([hole.url, `${mirror.url}/file`])).url).toBe(`${mirror.url}/file`)
    expect((await downloading.part()).equals(image)).toBe(true)
  },
)

linuxTest('fault 23, an address swallows all packets: an abort does not wait for it', async () => {
  await using hole = await startBlackHole()
  const proxy = { http: undefined, https: undefined, except: undefined }
  const http = createHttp({ mirror: undefined, offline: false, proxy, timeouts: { answerMs: 60_000 } })
  const stop = new AbortController()
  const started = performance.now()
  const asking = http.stream(hole.url, { signal: stop.signal })
  setTimeout(() => stop.abort(new Error('the user went home')), 50)
  await expect(asking).rejects.toThrow('the user went home')
  expect(performance.now() - started).toBeLessThan(30_000)
  await http.close()
})
