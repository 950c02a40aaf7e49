/** QEMU's own opinion of many images: one qemu-storage-daemon opens them one after the other, a thousand in a second. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** What QEMU says of an image when it has opened it. */
export interface Opinion {
  readonly filename: string
  readonly 'virtual-size': number
  readonly 'cluster-size': number
  readonly 'backing-filename'?: string
  readonly 'full-backing-filename'?: string
  readonly encrypted?: boolean
  readonly snapshots?: readonly unknown[]
  readonly 'format-specific': { readonly data: { readonly 'data-file'?: string } }
}

export interface StorageDaemon extends AsyncDisposable {
  /** Opens the qcow2 image read-only; the reason when QEMU does not. */
  open(path: string): Promise<Opinion | string>
}

interface Reply {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

export async function startStorageDaemon(): Promise<StorageDaemon> {
  const child = spawn('qemu-storage-daemon', ['--chardev', 'stdio,id=qmp', '--monitor', 'chardev=qmp'], {
    // It warns of each image that holds something odd.
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Reply & { readonly event?: string; readonly QMP?: unknown }> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`qemu-storage-daemon ended with ${child.exitCode ?? child.signalCode}`)
    return JSON.parse(value)
  }
  const ask = async (execute: string, args?: object): Promise<Reply> => {
    child.stdin.write(`${JSON.stringify({ execute, ...(args && { arguments: args }) })}\n`)
    for (;;) {
      const reply = await next()
      if (reply.event === undefined) return reply
    }
  }
  await next() // the greeting
  await ask('qmp_capabilities')
  return {
    async open(path) {
      const file = { driver: 'file', filename: path, locking: 'off' }
      const node = { driver: 'qcow2', 'node-name': 'image', 'read-only': true, file }
      const added = await ask('blockdev-add', node)
      if (added.error) return added.error.desc
      const { return: nodes } = await ask('query-named-block-nodes', { flat: true })
      await ask('blockdev-del', { 'node-name': 'image' })
      // QAPI's BlockDeviceInfo.
      const all = nodes as readonly { readonly 'node-name': string; readonly image: Opinion }[]
      return (
        all.find((each) => each['node-name'] === 'image')?.image ?? 'QEMU does not know the image any more'
      )
    },
    async [Symbol.asyncDispose]() {
      const ended = child.exitCode === null ? once(child, 'close') : undefined
      child.kill('SIGKILL')
      await ended
    },
  }
}
