/** How long it takes from the SIGKILL of a process that holds the lock until one that waits for it has it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { tempDir } from '../support/temp-dir.js'
import { compileChildren } from './compile-children.js'

/** Milliseconds, one for each of `rounds` kills. */
export async function takeoversMs(rounds: number): Promise<readonly number[]> {
  await using directory = await tempDir()
  const children = join(directory.path, 'children')
  await compileChildren(children, ['takeover-child'])
  const start = () => startMember([join(children, 'takeover-child.js'), join(directory.path, 'cache')])
  const taken: number[] = []
  let holder = start()
  try {
    await holder.said('locked')
    for (let round = 0; round < rounds; round += 1) {
      const waiter = start()
      await waiter.said('waiting')
      const killedAt = performance.timeOrigin + performance.now()
      holder.child.kill('SIGKILL')
      holder = waiter
      taken.push(Number((await waiter.said('locked')).split(' ')[1]) - killedAt)
    }
  } finally {
    holder.child.kill('SIGKILL')
  }
  return taken
}

interface Member {
  readonly child: ChildProcess
  /** The first line that begins so. */
  said(word: string): Promise<string>
}

function startMember(args: readonly string[]): Member {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const said = (word: string) =>
    new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => line.startsWith(word) && resolve(line))
      child.on('close', () => reject(new Error(`The process ended before it was ${word}.`)))
    })
  const words = new Map(['waiting', 'locked'].map((word) => [word, said(word)]))
  // A process that is killed while nobody listens is no news.
  for (const promise of words.values()) promise.catch(() => undefined)
  return { child, said: async (word) => (await words.get(word)) ?? '' }
}
