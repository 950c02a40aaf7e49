/** A program of QEMU's that takes commands (QMP) on its standard input, until it is disposed of: killed, as guests are. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Reply {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
  /** What the program printed beside it: qemu-io's commands do. */
  readonly printed?: string
}

export interface Qmp extends AsyncDisposable {
  ask(command: string, args?: object): Promise<Reply>
}

/** Rejects with what the program said when it ends before it can be talked to. */
export async function startQmp(program: string, args: readonly string[]): Promise<Qmp> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  let said = ''
  // It warns of each image that holds something odd.
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4096)))
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Reply & { readonly event?: string }> => {
    let printed = ''
    for (;;) {
      const { value, done } = await lines.next()
      if (done) break
      if (value.startsWith('{')) return { ...JSON.parse(value), printed }
      printed += `${value}\n`
    }
    await ended
    throw new Error(`${program} ended: ${said}`)
  }
  const ask = async (execute: string, given?: object): Promise<Reply> => {
    child.stdin.write(`${JSON.stringify({ execute, ...(given && { arguments: given }) })}\n`)
    for (;;) {
      const reply = await next()
      if (reply.event === undefined) return reply
    }
  }
  await next() // the greeting
  await ask('qmp_capabilities')
  return {
    ask,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
