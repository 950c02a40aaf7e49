/** A worker thread of this process that runs a piece of code on the sources of the package, and can be terminated. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface Thread extends AsyncDisposable {
  /** What `say(value)` in the code says next. */
  said(): Promise<unknown>
  /** Ends it wherever it is; no `finally` of its code runs. */
  terminate(): Promise<unknown>
}

const root = new URL('../../', import.meta.url)

/** Starts `code`, which may `await`; `source('store/lock.ts')` in it is an import of a file of the package. */
export function startThread(code: string): Thread {
  const worker = new Worker(
    `const say = (value) => require('node:worker_threads').parentPort.postMessage(value)
    const source = (path) => import(new URL('src/' + path, ${JSON.stringify(root.href)}).href)
    const run = async () => {
      // The loader of \`--import tsx\` leaves threads alone.
      ;(await import(${JSON.stringify(new URL('node_modules/tsx/dist/esm/api/index.mjs', root).href)})).register()
      ${code}
    }
    run()
    setInterval(() => {}, 1000)`,
    { eval: true },
  )
  return {
    said: async () => (await once(worker, 'message'))[0] as unknown,
    terminate: () => worker.terminate(),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  }
}
