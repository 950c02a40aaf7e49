/**
 * One process of the fuzz: opens an image, reads every byte of it, holds it for a moment, reads it again, gives it back,
 * and so on until it is killed or told to end. Says what happened as lines of JSON.
 *
 *     node fuzz-worker.js <shipped|naive> <directory> <mirror> <seed>
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { SystemName } from './fault-images.js'
import { type FuzzUse, shippedStore } from './fuzz-store.js'
import { naiveStore } from './naive-cache.js'
import { seeded } from './seeded.js'

/** What a worker says. */
export type WorkerEvent =
  | { readonly type: 'open'; readonly image: SystemName }
  | { readonly type: 'use'; readonly image: SystemName; readonly wrong: readonly string[] }
  | { readonly type: 'error'; readonly image: SystemName; readonly code: string; readonly message: string }

const [, , kind, directory = '', mirror = '', seed] = process.argv
const expected = JSON.parse(process.env['EXPECTED'] ?? '{}') as Readonly<Record<SystemName, string>>
const random = seeded(Number(seed))
const store = await (kind === 'naive' ? naiveStore : shippedStore)({ directory, mirror })
const end = new AbortController()
process.on('SIGTERM', () => end.abort())

while (!end.signal.aborted) await useOnce(random.pick(['plain', 'packed'] as const))
process.exit(0)

/** Not in the loop: what esbuild makes of `await using` there keeps an error for the next turn. */
async function useOnce(image: SystemName): Promise<void> {
  say({ type: 'open', image })
  try {
    await using use = await store.open(image)
    const first = wrongIn(use, image, 'at first')
    await delay(random.between(0, 60))
    say({ type: 'use', image, wrong: [...first, ...wrongIn(use, image, 'a moment later')] })
  } catch (error) {
    const { code = 'NONE', stack = '' } = error as NodeJS.ErrnoException // what the package throws has both
    say({ type: 'error', image, code, message: stack })
  }
}

/** Every byte of the base, by the path that is held; and that the overlay stands on it. */
function wrongIn({ base, overlay }: FuzzUse, image: SystemName, when: string): readonly string[] {
  const found = createHash('sha256').update(readFileSync(base)).digest('hex')
  const backing = overlay === undefined ? base : backingOf(overlay)
  return [
    ...(found === expected[image] ? [] : [`${when}, the bytes of ${base} have the sha256 ${found}`]),
    ...(backing === base ? [] : [`${when}, the overlay stands on ${backing}, not on ${base}`]),
  ]
}

/** The path of the backing file in the header of a qcow2 overlay: bytes 8 to 20. */
function backingOf(overlay: string): string {
  const bytes = readFileSync(overlay)
  const offset = Number(bytes.readBigUInt64BE(8))
  return bytes.toString('utf8', offset, offset + bytes.readUInt32BE(16))
}

function say(event: WorkerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}
