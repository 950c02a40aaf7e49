/** For `node --import`: writes the address of every module that the process loads to $IMPORTS/<pid>. */
import { appendFileSync } from 'node:fs'
import { register } from 'node:module'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'

// Node runs this file twice: where it was asked to, and as the hooks, on a thread of their own.
if (isMainThread) register(import.meta.url)

export async function load(url, context, nextLoad) {
  appendFileSync(join(process.env['IMPORTS'], String(process.pid)), `${url}\n`)
  return nextLoad(url, context)
}
