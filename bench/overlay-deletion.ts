/**
 * The end of a used overlay: a guest wrote 500 MB. How long until it is gone, and for how long at a stretch the event
 * loop of the test's process stood still meanwhile; beside it how long it stands still by itself on a busy machine, what
 * Node's own unlink in a thread does (the kernel frees 500 MB at a stretch, and two threads share what processors there
 * are), and unlinkSync(), which is what not to do.
 */
import { closeSync, copyFileSync, openSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { smallQcow2 } from '../fixtures/images/small-qcow2.js'
import { openVmImage } from '../src/index.js'
import { median, printTable } from './figures.js'

const rounds = 5
const usedBytes = 500_000_000
const piece = Buffer.alloc(10_000_000, 0x5a)

export async function benchDeletion(directory: string): Promise<void> {
  const base = join(directory, 'used-base.qcow2')
  writeFileSync(base, smallQcow2('bench'))
  const ours: Measured[] = []
  const inThread: Measured[] = []
  const theirs: Measured[] = []
  const nothing: Measured[] = []
  for (let round = 0; round < rounds; round += 1) {
    const image = await openVmImage(
      { path: base },
      { overlayDir: directory, cacheDir: join(directory, 'cache') },
    )
    fill(image.path)
    ours.push(await watch(() => image.dispose()))
    nothing.push(await watch(() => setTimeout(ours.at(-1)?.wallMs)))
    const usedFile = (name: string) => {
      const path = join(directory, `${name}-${round}`)
      copyFileSync(base, path)
      fill(path)
      return path
    }
    const one = usedFile('one')
    inThread.push(await watch(() => unlink(one)))
    const other = usedFile('other')
    theirs.push(await watch(() => unlinkSync(other)))
  }
  console.log(`\nDeletion of an overlay with ${usedBytes / 1e6} MB in it; ms, median of ${rounds} (most)\n`)
  const cell = (all: readonly Measured[], key: keyof Measured) => {
    const values = all.map((each) => each[key])
    return `${median(values).toFixed(1)} (${Math.max(...values).toFixed(1)})`
  }
  printTable([
    ['method', 'until it is gone', 'longest stall'],
    ['ours: dispose()', cell(ours, 'wallMs'), cell(ours, 'stallMs')],
    ['nothing, for as long', cell(nothing, 'wallMs'), cell(nothing, 'stallMs')],
    ['fs.promises.unlink()', cell(inThread, 'wallMs'), cell(inThread, 'stallMs')],
    ['unlinkSync()', cell(theirs, 'wallMs'), cell(theirs, 'stallMs')],
  ])
}

interface Measured {
  readonly wallMs: number
  readonly stallMs: number
}

function fill(path: string): void {
  const fd = openSync(path, 'a')
  for (let written = 0; written < usedBytes; written += piece.length) writeSync(fd, piece)
  closeSync(fd)
}

/** The longest time between two turns of the event loop until `action` is over. */
async function watch(action: () => unknown): Promise<Measured> {
  let last = performance.now()
  const start = last
  let stallMs = 0
  let isOver = false
  const turn = () => {
    const now = performance.now()
    stallMs = Math.max(stallMs, now - last)
    last = now
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await action()
  const wallMs = performance.now() - start
  // What held the loop at the end shows in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  isOver = true
  turn()
  return { wallMs, stallMs }
}
